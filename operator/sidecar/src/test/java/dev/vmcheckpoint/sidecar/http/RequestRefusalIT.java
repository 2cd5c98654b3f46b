package dev.vmcheckpoint.sidecar.http;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vmcheckpoint.node.ErrorCode;
import dev.vmcheckpoint.node.Problem;
import dev.vmcheckpoint.node.Wire;
import dev.vmcheckpoint.node.fixture.TestAuthority;
import dev.vmcheckpoint.node.fixture.TestAuthority.Subject;
import dev.vmcheckpoint.sidecar.fixture.PodsDirectory;
import dev.vmcheckpoint.sidecar.fixture.RunningSidecar;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.Map;
import java.util.TreeMap;
import javax.net.ssl.SSLHandshakeException;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Requests that are refused as they are, each with what is wrong where. */
@TestInstance(Lifecycle.PER_CLASS)
final class RequestRefusalIT {
  private static final String OBSERVE = "/v1/machines/observe";
  private static final String CHECKPOINT = "/v1/machines/a1/checkpoints/c1";
  private static final String ONE_DISK = "{\"disks\": [\"vda\"], \"barrier\": \"Flush\"}";
  private static final Map<String, String> CONTEXT =
      Map.of(
          "Vmcheckpoint-Start-Id", "some",
          "Vmcheckpoint-Leader-Term", "1",
          "Vmcheckpoint-Deadline-Millis", "1000");

  private final PodsDirectory pods = PodsDirectory.create();
  private final RunningSidecar sidecar = RunningSidecar.start(pods);

  @AfterAll
  void stop() {
    sidecar.close();
    pods.close();
  }

  private HttpResponse<byte[]> send(
      HttpClient client, String method, String path, Map<String, String> headers, String body)
      throws IOException, InterruptedException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(sidecar.uri().resolve(path))
            .method(method, BodyPublishers.ofString(body));
    headers.forEach(request::header);
    return client.send(request.build(), BodyHandlers.ofByteArray());
  }

  private HttpResponse<byte[]> sendJson(
      String method, String path, Map<String, String> headers, String body)
      throws IOException, InterruptedException {
    Map<String, String> withType = new TreeMap<>(headers);
    withType.putIfAbsent("Content-Type", Wire.JSON);
    return send(sidecar.operator(), method, path, withType, body);
  }

  private static Problem problem(HttpResponse<byte[]> response, ErrorCode code) throws IOException {
    assertThat(response.headers().firstValue("Content-Type")).contains(Wire.PROBLEM_JSON);
    Problem problem = Wire.read(response.body(), Problem.class);
    assertThat(problem).isEqualTo(Problem.of(code, problem.detail()));
    assertThat(response.statusCode()).isEqualTo(code.status());
    return problem;
  }

  private static Map<String, String> contextWith(String header, String value) {
    Map<String, String> context = new TreeMap<>(CONTEXT);
    context.put(header, value);
    return context;
  }

  /** Not through the client that holds answers to the document: these requests are not in it. */
  private HttpResponse<byte[]> sendUndocumented(String method, String path) throws Exception {
    try (HttpClient client = sidecar.client(Subject.OPERATOR)) {
      return send(client, method, path, Map.of(), "");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/",
        "/v1",
        "/v2/machines/observe",
        "/v1/machines/observe/",
        "/v1/machines/a1",
        "/v1/machines/a1/checkpoints",
        "/v1/machines/a1/checkpoints/",
        "/v1/machines/a1/checkpoints/c1/x",
        "/v1/machines/a1/checkpoints/c1/bitmaps",
        "/v1/machines/a1/checkpoints/c1/bitmaps/",
        "/v1/machines/a1/epoch/",
        "/v1/machines/a1/epoch/e1",
        "/healthz",
        "/metrics"
      })
  void anUnknownPathIsNotFound(String path) throws Exception {
    assertThat(problem(sendUndocumented("POST", path), ErrorCode.NotFound).detail())
        .isEqualTo("no resource has the path " + path);
  }

  @ParameterizedTest
  @CsvSource({
    "GET,     /v1/machines/observe,            POST",
    "DELETE,  /v1/machines/observe,            POST",
    "GET,     /v1/machines/a1/checkpoints/c1,  'PUT, DELETE'",
    "POST,    /v1/machines/a1/checkpoints/c1,  'PUT, DELETE'",
    "PATCH,   /v1/machines/a1/checkpoints/c1,  'PUT, DELETE'",
    "PUT,     /v1/machines/a1/checkpoints/c1/bitmaps/vmcp-c1.1.vda, DELETE",
    "DELETE,  /v1/machines/a1/epoch,           PUT"
  })
  void anotherMethodIsRefusedWithThoseThatThereAre(String method, String path, String allowed)
      throws Exception {
    HttpResponse<byte[]> response = sendUndocumented(method, path);

    problem(response, ErrorCode.MethodNotAllowed);
    assertThat(response.headers().firstValue("Allow")).contains(allowed);
  }

  @Test
  void aRefusalOfHeadHasNoBody() throws Exception {
    HttpResponse<byte[]> response = sendUndocumented("HEAD", OBSERVE);

    assertThat(response.statusCode()).isEqualTo(405);
    assertThat(response.body()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"text/plain", "application/xml", "application/jsonx"})
  void aBodyThatIsNotDeclaredAsJsonIsRefused(String mediaType) throws Exception {
    HttpResponse<byte[]> response =
        sendJson("POST", OBSERVE, Map.of("Content-Type", mediaType), "{\"machines\": []}");

    assertThat(problem(response, ErrorCode.UnsupportedMediaType).detail())
        .isEqualTo("Content-Type has to be application/json, not '%s'".formatted(mediaType));
  }

  @Test
  void aBodyWithoutAMediaTypeIsRefused() throws Exception {
    HttpResponse<byte[]> response =
        send(sidecar.operator(), "POST", OBSERVE, Map.of(), "{\"machines\": []}");

    problem(response, ErrorCode.UnsupportedMediaType);
  }

  @Test
  void parametersOfTheMediaTypeDoNotMatter() throws Exception {
    HttpResponse<byte[]> response =
        sendJson(
            "POST",
            OBSERVE,
            Map.of("Content-Type", "Application/JSON; charset=utf-8"),
            "{\"machines\": []}");

    assertThat(response.statusCode()).isEqualTo(200);
  }

  @Test
  void aBodyThatIsTooLargeIsRefused() throws Exception {
    String spaces = " ".repeat(Wire.MAX_REQUEST_BYTES);

    HttpResponse<byte[]> response =
        sendJson("POST", OBSERVE, Map.of(), "{\"machines\": []}" + spaces);

    assertThat(problem(response, ErrorCode.PayloadTooLarge).detail())
        .isEqualTo("the body is longer than 262144 bytes");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"machines\": []    | body: not JSON: Unexpected end-of-input",
        "rubbish              | body: not JSON: Unrecognized token 'rubbish'",
        "{\"machines\": [], \"machines\": []} | body: not JSON: Duplicate field 'machines'",
        "{\"machines\": []} x | body: not JSON: Unrecognized token 'x'",
        "''                   | body: missing, or not of the type that it has in the contract",
        "null                 | body: missing, or not of the type that it has in the contract",
        "[]                   | body: missing, or not of the type that it has in the contract",
        "{}                   | body: machines: missing, or not of the type",
        "{\"machines\": null} | body: machines: missing, or not of the type",
        "{\"machines\": [{}]} | body: machines[0].podUID: missing, or not of the type",
        "{\"machines\": [{\"podUID\": 3}]}     | body: machines[0].podUID: missing, or not of the type",
        "{\"machines\": [{\"podUID\": \"..\"}]} | body: machines[0].podUID: a pod UID is 1 to 64"
      })
  void aMalformedBodyIsRefusedWithThePlace(String body, String detail) throws Exception {
    HttpResponse<byte[]> response = sendJson("POST", OBSERVE, Map.of(), body);

    assertThat(problem(response, ErrorCode.InvalidRequest).detail()).startsWith(detail);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"disks\": [], \"barrier\": \"Flush\"} | body: disks: 1 to 64, but 0 were given",
        "{\"disks\": [\"a\", \"a\"], \"barrier\": \"Flush\"} | body: disks: one is named twice in [a, a]",
        "{\"disks\": [\"a\"], \"barrier\": \"Flush\", \"granularityBytes\": 1000} | body: granularityBytes: a power of two from 512 to 2147483648, not 1000",
        "{\"disks\": [null], \"barrier\": \"Flush\"} | body: missing, or not of the type",
        "{\"disks\": [\"a\"], \"barrier\": \"Maybe\"} | body: barrier: 'Maybe' is none of the possible values"
      })
  void aRequestThatMakesNoSenseIsRefused(String body, String detail) throws Exception {
    HttpResponse<byte[]> response = sendJson("PUT", CHECKPOINT, CONTEXT, body);

    assertThat(problem(response, ErrorCode.InvalidRequest).detail()).startsWith(detail);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"disks\": []} | body: disks: 1 to 64, but 0 were given",
        "{\"disks\": [{\"name\": \"a\", \"recorded\": \"E\", \"merge\": [], \"remove\": [], \"flush\": false}]} | body: disks[0]: recorded: an epoch's id is",
        "{\"disks\": [{\"name\": \"a\", \"recorded\": \"e\", \"merge\": [\"b\"], \"remove\": [], \"flush\": false}]} | body: disks[0]: merge: a checkpoint's bitmap is called",
        "{\"disks\": [{\"name\": \"a\", \"recorded\": \"e\", \"merge\": [], \"remove\": [\"e\"], \"flush\": false}]} | body: disks[0]: remove: e is on record for the disk a",
        "{\"disks\": [{\"name\": \"a\", \"merge\": [], \"remove\": [], \"flush\": false}]} | body: disks[0].recorded: "
      })
  void aRenewalThatMakesNoSenseIsRefused(String body, String detail) throws Exception {
    HttpResponse<byte[]> response = sendJson("PUT", "/v1/machines/a1/epoch", CONTEXT, body);

    assertThat(problem(response, ErrorCode.InvalidRequest).detail()).startsWith(detail);
  }

  @ParameterizedTest
  @CsvSource({
    "/v1/machines/A1/checkpoints/c1,      path: a pod UID is",
    "/v1/machines/../checkpoints/c1,      path: a pod UID is",
    "/v1/machines/%2e%2e/checkpoints/c1,  path: a pod UID is",
    "/v1/machines/a%2Fb/checkpoints/c1,   path: a pod UID is",
    "/v1/machines/a1/checkpoints/x,       path: a checkpoint UID is",
    "/v1/machines/a1/checkpoints/c1/bitmaps/vmcp-c2.1.vda,     path: a bitmap of the checkpoint c1 is called vmcp-c1.<attempt>.<disk>",
    "/v1/machines/a1/checkpoints/c1/bitmaps/vmcp-epoch.1,      path: a bitmap of the checkpoint c1 is called",
    "/v1/machines/a1/checkpoints/c1/bitmaps/vmcp-c1.1.a%2Fb,   path: a bitmap of the checkpoint c1 is called"
  })
  void anIdentifierThatIsNoneIsRefused(String path, String detail) throws Exception {
    HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(sidecar.uri() + path)).DELETE();
    CONTEXT.forEach(request::header);

    HttpResponse<byte[]> response =
        sidecar.operator().send(request.build(), BodyHandlers.ofByteArray());

    assertThat(problem(response, ErrorCode.InvalidRequest).detail()).startsWith(detail);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Vmcheckpoint-Start-Id",
        "Vmcheckpoint-Leader-Term",
        "Vmcheckpoint-Deadline-Millis"
      })
  void aChangeWithoutItsContextIsRefused(String header) throws Exception {
    Map<String, String> incomplete = new TreeMap<>(CONTEXT);
    incomplete.remove(header);

    HttpResponse<byte[]> response = sendJson("PUT", CHECKPOINT, incomplete, ONE_DISK);

    assertThat(problem(response, ErrorCode.InvalidRequest).detail())
        .isEqualTo("header %s has to be there once, not 0 times".formatted(header));
  }

  @ParameterizedTest
  @CsvSource({
    "Vmcheckpoint-Leader-Term,     one,    'header Vmcheckpoint-Leader-Term: ''one'' is no number'",
    "Vmcheckpoint-Leader-Term,     -1,     'header Vmcheckpoint-Leader-Term is not negative, but -1 was given'",
    "Vmcheckpoint-Deadline-Millis, 1.5,    'header Vmcheckpoint-Deadline-Millis: ''1.5'' is no number'",
    "Vmcheckpoint-Deadline-Millis, 0,      'header Vmcheckpoint-Deadline-Millis is 1 to 300000, but 0 was given'",
    "Vmcheckpoint-Deadline-Millis, 300001, 'header Vmcheckpoint-Deadline-Millis is 1 to 300000, but 300001 was given'",
    "Vmcheckpoint-Start-Id,        '',     'header Vmcheckpoint-Start-Id is 1 to 64 characters'"
  })
  void aContextThatIsNotValidIsRefused(String header, String value, String detail)
      throws Exception {
    HttpResponse<byte[]> response = sendJson("DELETE", CHECKPOINT, contextWith(header, value), "");

    assertThat(problem(response, ErrorCode.InvalidRequest).detail()).isEqualTo(detail);
  }

  @Test
  void whatIsEchoedIsBounded() throws Exception {
    HttpResponse<byte[]> response = sendUndocumented("POST", "/" + "x".repeat(5000));

    assertThat(problem(response, ErrorCode.NotFound).detail()).hasSizeLessThan(300);
  }

  @Test
  void aCallerWhoIsNotTheOperatorIsForbidden() throws Exception {
    Subject tenant = Subject.OPERATOR.named("tenant.example");
    try (HttpClient client = sidecar.client(tenant)) {
      assertThat(problem(observe(client), ErrorCode.Forbidden).detail())
          .isEqualTo(
              "the caller's certificate is for [tenant.example], not for"
                  + " operator.vmcheckpoint.internal");
    }
  }

  @Test
  void anotherSidecarIsForbiddenAsWell() throws Exception {
    Subject sidecars =
        Subject.SIDECAR.usedFor(KeyPurposeId.id_kp_serverAuth, KeyPurposeId.id_kp_clientAuth);
    try (HttpClient client = sidecar.client(sidecars)) {
      problem(send(client, "PUT", CHECKPOINT, CONTEXT, ONE_DISK), ErrorCode.Forbidden);
    }
  }

  @Test
  void whoeverHasNoCertificateIsNotServed() {
    assertNotServed(sidecar.clientWithoutCertificate());
  }

  @Test
  void anOperatorOfAnotherAuthorityIsNotServed() {
    assertNotServed(sidecar.clientShowing(new TestAuthority().identity(Subject.OPERATOR)));
  }

  @Test
  void anOperatorWhoseCertificateHasExpiredIsNotServed() {
    assertNotServed(sidecar.client(Subject.OPERATOR.expired()));
  }

  @Test
  void theOperatorIsServedByTls13() throws Exception {
    try (HttpClient client = sidecar.operatorSpeaking("TLSv1.3")) {
      assertThat(observe(client).statusCode()).isEqualTo(200);
    }
  }

  @Test
  void theOperatorIsNotServedByAnOlderTls() {
    try (HttpClient client = sidecar.operatorSpeaking("TLSv1.2")) {
      assertThatThrownBy(() -> observe(client))
          .isInstanceOf(SSLHandshakeException.class)
          .hasMessageContaining("protocol_version");
    }
  }

  private HttpResponse<byte[]> observe(HttpClient client) throws IOException, InterruptedException {
    return send(client, "POST", OBSERVE, Map.of("Content-Type", Wire.JSON), "{\"machines\": []}");
  }

  private void assertNotServed(HttpClient client) {
    try (client) {
      assertThatThrownBy(() -> observe(client)).isInstanceOf(IOException.class);
    }
  }

  @Test
  void thePlainProtocolIsNotSpoken() throws Exception {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), sidecar.uri().getPort())) {
      socket.setSoTimeout(5000);
      socket.getOutputStream().write("GET / HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(UTF_8));

      assertThat(new String(socket.getInputStream().readAllBytes(), UTF_8))
          .doesNotContain("HTTP/1.1");
    }
  }
}
