package dev.vmcheckpoint.controller.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class ProbeServerIT {
  private final PrometheusMeterRegistry meters = Meters.registry();
  private final ProbeServer server = new ProbeServer(0, meters);
  private final HttpClient client = HttpClient.newHttpClient();

  @AfterEach
  void close() {
    client.close();
    server.close();
  }

  @Test
  void itIsHealthyFromTheBeginning() throws Exception {
    assertThat(get("/healthz").statusCode()).isEqualTo(200);
  }

  @Test
  void itIsReadyAsLongAsItsConditionHolds() throws Exception {
    assertThat(get("/readyz").statusCode()).isEqualTo(503);

    server.readyWhile(() -> true);
    assertThat(get("/readyz").statusCode()).isEqualTo(200);

    server.notReady();
    assertThat(get("/readyz").statusCode()).isEqualTo(503);
  }

  @Test
  void metricsCarryTheirUnits() throws Exception {
    meters.timer("vmcheckpoint.sidecar.calls", "call", "observe", "outcome", "OK");

    assertThat(get("/metrics").body())
        .contains("vmcheckpoint_sidecar_calls_seconds_count")
        .contains("jvm_memory_used_bytes");
  }

  @Test
  void aPortThatIsTakenIsNamed() {
    assertThatThrownBy(() -> new ProbeServer(server.port(), meters))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining(Integer.toString(server.port()));
  }

  private HttpResponse<String> get(String path) throws Exception {
    return client.send(
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:%d%s".formatted(server.port(), path)))
            .build(),
        HttpResponse.BodyHandlers.ofString());
  }
}
