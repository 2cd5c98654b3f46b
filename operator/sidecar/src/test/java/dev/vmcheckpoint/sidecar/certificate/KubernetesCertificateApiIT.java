package dev.vmcheckpoint.sidecar.certificate;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import dev.vmcheckpoint.node.NodeTls;
import dev.vmcheckpoint.node.ServerLimits;
import dev.vmcheckpoint.node.fixture.TestAuthority;
import dev.vmcheckpoint.node.fixture.TestAuthority.Subject;
import dev.vmcheckpoint.node.fixture.TlsServer;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import javax.net.ssl.SSLParameters;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is sent to an API server, and what is made of its answers. */
final class KubernetesCertificateApiIT {
  private static final String REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests";

  private final TestAuthority authority = new TestAuthority();
  private final List<String> calls = new ArrayList<>();
  @TempDir private Path directory = Path.of("");
  private List<AutoCloseable> opened = List.of();
  private volatile int status = 200;
  private volatile String answer = "{}";
  private volatile String sent = "";

  /** The JDK reads its limits when the first server of a process is made, which may be here. */
  @BeforeAll
  static void limitServers() {
    ServerLimits.apply();
  }

  @BeforeEach
  void writeServiceAccount() throws IOException {
    Files.writeString(directory.resolve("token"), "token-1\n");
    Files.writeString(directory.resolve("namespace"), "vmcheckpoint-node");
    Files.writeString(directory.resolve("ca.crt"), authority.pem());
  }

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable each : opened) {
      each.close();
    }
  }

  private KubernetesCertificateApi api() throws Exception {
    return api(authority);
  }

  private KubernetesCertificateApi api(TestAuthority serverAuthority) throws Exception {
    Path secret =
        serverAuthority.secret(directory.resolve("server"), Subject.SIDECAR.named("localhost"));
    TlsServer server =
        TlsServer.start(
            NodeTls.server(TestAuthority.read(secret)), new SSLParameters(), this::answer);
    opened = List.of(server);
    return new KubernetesCertificateApi(
        URI.create("https://localhost:%d".formatted(server.uri().getPort())), directory);
  }

  private void answer(HttpExchange exchange) throws IOException {
    calls.add(
        "%s %s as %s"
            .formatted(
                exchange.getRequestMethod(),
                exchange.getRequestURI(),
                exchange.getRequestHeaders().getFirst("Authorization")));
    sent = new String(exchange.getRequestBody().readAllBytes(), UTF_8);
    byte[] body = answer.getBytes(UTF_8);
    exchange.sendResponseHeaders(status, body.length);
    exchange.getResponseBody().write(body);
    exchange.close();
  }

  @Test
  void aRequestIsForTheSidecarsSignerAndAServersUse() throws Exception {
    status = 201;
    answer = "{\"metadata\": {\"name\": \"vmcheckpoint-sidecar-x1\"}}";

    String name = api().request("PEM", Duration.ofDays(1));

    assertThat(name).isEqualTo("vmcheckpoint-sidecar-x1");
    assertThat(calls).containsExactly("POST %s as Bearer token-1".formatted(REQUESTS));
    JsonNode spec = new ObjectMapper().readTree(sent).path("spec");
    assertThat(spec.path("signerName").asText()).isEqualTo("vmcheckpoint.dev/sidecar");
    assertThat(spec.path("expirationSeconds").asInt()).isEqualTo(86_400);
    assertThat(spec.path("usages").toString()).isEqualTo("[\"digital signature\",\"server auth\"]");
    assertThat(Base64.getDecoder().decode(spec.path("request").asText()))
        .asString()
        .isEqualTo("PEM");
  }

  @Test
  void theTokenIsReadAnewForEachCall() throws Exception {
    KubernetesCertificateApi api = api();
    api.state("one");
    Files.writeString(directory.resolve("token"), "token-2");

    api.state("two");

    assertThat(calls)
        .containsExactly(
            "GET %s/one as Bearer token-1".formatted(REQUESTS),
            "GET %s/two as Bearer token-2".formatted(REQUESTS));
  }

  @Test
  void aRequestWithoutADecisionIsPending() throws Exception {
    assertThat(api().state("one")).isEqualTo(new SigningState.Pending());
  }

  @Test
  void aSignedRequestHasItsCertificate() throws Exception {
    answer =
        "{\"status\": {\"conditions\": [{\"type\": \"Approved\"}], \"certificate\": \"%s\"}}"
            .formatted(Base64.getEncoder().encodeToString("PEM".getBytes(UTF_8)));

    assertThat(api().state("one")).isEqualTo(new SigningState.Signed("PEM"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"Denied", "Failed"})
  void aRefusedRequestSaysWhy(String type) throws Exception {
    answer =
        """
        {"status": {"conditions": [
          {"type": "%s", "reason": "WrongNode", "message": "node-2 is not yours"}]}}
        """
            .formatted(type);

    assertThat(api().state("one"))
        .isEqualTo(new SigningState.Refused(type + ": WrongNode, node-2 is not yours"));
  }

  @Test
  void aRequestThatIsNotThereIsGone() throws Exception {
    status = 404;

    assertThat(api().state("one")).isEqualTo(new SigningState.Gone());
  }

  @Test
  void theAuthoritiesAreInAConfigMapOfTheOwnNamespace() throws Exception {
    answer = "{\"data\": {\"ca.crt\": \"PEM\"}}";

    assertThat(api().authorities()).contains("PEM");
    assertThat(calls)
        .singleElement()
        .asString()
        .startsWith(
            "GET /api/v1/namespaces/vmcheckpoint-node/configmaps/vmcheckpoint-authorities ");
  }

  @Test
  void whatIsNotPublishedYetIsEmpty() throws Exception {
    status = 404;

    assertThat(api().authorities()).isEmpty();
  }

  @Test
  void aRefusalSaysWhatWasAskedAndWhy() throws Exception {
    status = 403;
    answer = "{\"message\": \"certificatesigningrequests is forbidden\"}";
    KubernetesCertificateApi api = api();

    assertThatThrownBy(() -> api.request("PEM", Duration.ofDays(1)))
        .isInstanceOf(IOException.class)
        .hasMessage(
            "POST %s: the API server answered 403: certificatesigningrequests is forbidden"
                .formatted(REQUESTS));
  }

  @Test
  void anAnswerThatIsNoJsonIsAFailure() throws Exception {
    answer = "<html>";
    KubernetesCertificateApi api = api();

    assertThatThrownBy(() -> api.state("one")).hasMessageContaining("200, and no JSON");
  }

  @Test
  void aServerOfAnotherAuthorityGetsNoToken() throws Exception {
    KubernetesCertificateApi api = api(new TestAuthority());

    assertThatThrownBy(() -> api.state("one")).isInstanceOf(IOException.class);
    assertThat(calls).isEmpty();
  }

  @Test
  void aMissingTokenIsNamed() throws Exception {
    Files.delete(directory.resolve("token"));
    KubernetesCertificateApi api = api();

    assertThatThrownBy(() -> api.state("one"))
        .hasMessage(directory.resolve("token") + ": no such file");
  }
}
