package dev.vmcheckpoint.sidecar.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.node.ObserveRequest;
import dev.vmcheckpoint.sidecar.fixture.PodsDirectory;
import dev.vmcheckpoint.sidecar.fixture.RunningSidecar;
import java.net.http.HttpResponse;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;

/** What the kubelet and Prometheus see. */
@TestInstance(Lifecycle.PER_CLASS)
final class ProbeIT {
  private final PodsDirectory pods = PodsDirectory.create();
  private final RunningSidecar sidecar = RunningSidecar.start(pods);

  @AfterAll
  void stop() {
    sidecar.close();
    pods.close();
  }

  @Test
  void aSidecarThatRunsIsHealthyAndReady() {
    assertThat(sidecar.probe("/healthz").statusCode()).isEqualTo(200);
    assertThat(sidecar.probe("/readyz").statusCode()).isEqualTo(200);
  }

  @Test
  void metricsCountCallsByOutcome() {
    sidecar.api().observe(new ObserveRequest(List.of()));

    HttpResponse<String> metrics = sidecar.probe("/metrics");

    assertThat(metrics.headers().firstValue("Content-Type").orElseThrow())
        .startsWith("text/plain; version=0.0.4");
    assertThat(metrics.body())
        .contains(
            "vmcheckpoint_sidecar_call_duration_seconds_count{call=\"Observe\",outcome=\"Ok\"} 1",
            "vmcheckpoint_sidecar_calls_in_progress 0.0",
            "jvm_memory_used_bytes{");
  }

  @Test
  void thereIsNothingElse() {
    assertThat(sidecar.probe("/v1/machines/observe").statusCode()).isEqualTo(404);
    assertThat(sidecar.probe("/").statusCode()).isEqualTo(404);
  }
}
