package dev.vmcheckpoint.node;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import dev.vmcheckpoint.node.fixture.TestAuthority;
import dev.vmcheckpoint.node.fixture.TestAuthority.Subject;
import dev.vmcheckpoint.node.fixture.TlsServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The client over real TLS, against servers that behave in every way a peer can. */
final class HttpNodeApiIT {
  private static final Duration SHORT = Duration.ofSeconds(1);
  private static final Duration LONG = Duration.ofMinutes(1);
  private static final PodUid POD = new PodUid("1b2c");
  private static final CheckpointUid CHECKPOINT = new CheckpointUid("c0ffee");
  private static final MutationContext CONTEXT = new MutationContext("start-1", 7, 2000);
  private static final ObserveRequest NOBODY = new ObserveRequest(List.of());
  private static final String EMPTY_ANSWER = "{\"startId\": \"start-1\", \"machines\": []}";

  private final TestAuthority authority = new TestAuthority();
  private final CountDownLatch testEnds = new CountDownLatch(1);
  @TempDir private Path directory = Path.of("");
  private HttpClient client = HttpClient.newHttpClient();

  @BeforeEach
  void trustTheAuthority() throws TlsException {
    client = clientOf(Subject.OPERATOR, LONG);
  }

  @AfterEach
  void close() {
    testEnds.countDown();
    client.shutdownNow();
  }

  private HttpClient clientOf(Subject subject, Duration connectTimeout) throws TlsException {
    Path secret = authority.secret(directory.resolve("operator"), subject);
    return HttpNodeApi.newClient(NodeTls.client(TestAuthority.read(secret)), connectTimeout);
  }

  private SSLContext serverOf(Subject subject) throws TlsException {
    return NodeTls.server(
        TestAuthority.read(authority.secret(directory.resolve("sidecar"), subject)));
  }

  private TlsServer sidecar(HttpHandler handler) throws IOException, TlsException {
    return TlsServer.start(serverOf(Subject.SIDECAR), handler);
  }

  private HttpNodeApi api(URI base) {
    return new HttpNodeApi(base, TestAuthority.NODE, client, new HttpNodeApi.Timeouts(LONG, LONG));
  }

  private HttpNodeApi impatientApi(URI base) {
    return new HttpNodeApi(
        base, TestAuthority.NODE, client, new HttpNodeApi.Timeouts(SHORT, SHORT));
  }

  private static HttpHandler answering(int status, String mediaType, String body) {
    return exchange -> answer(exchange, status, mediaType, body);
  }

  private static void answer(HttpExchange exchange, int status, String mediaType, String body)
      throws IOException {
    try (exchange) {
      exchange.getRequestBody().readAllBytes();
      exchange.getResponseHeaders().set("Content-Type", mediaType);
      exchange.sendResponseHeaders(status, body.length());
      exchange.getResponseBody().write(body.getBytes(UTF_8));
    }
  }

  private static void assertUnreachable(ThrowingCallable call, String words) {
    assertThatThrownBy(call)
        .isInstanceOf(NodeApiException.Unreachable.class)
        .hasMessageContaining(words);
  }

  private static void assertNoAnswer(ThrowingCallable call, String words) {
    assertThatThrownBy(call)
        .isInstanceOf(NodeApiException.NoAnswer.class)
        .hasMessageContaining(words);
  }

  // What is sent

  @Test
  void anObservationIsPostedAndItsAnswerRead() throws Exception {
    AtomicReference<String> sent = new AtomicReference<>("");
    HttpHandler handler =
        exchange -> {
          sent.set(
              exchange.getRequestMethod()
                  + " "
                  + exchange.getRequestURI()
                  + " "
                  + new String(exchange.getRequestBody().readAllBytes(), UTF_8));
          answer(exchange, 200, "application/json; charset=utf-8", EMPTY_ANSWER);
        };
    try (TlsServer server = sidecar(handler)) {
      ObserveResponse response =
          api(server.uri()).observe(new ObserveRequest(List.of(new ObserveRequest.Target(POD))));

      assertThat(sent).hasValue("POST /v1/machines/observe {\"machines\":[{\"podUID\":\"1b2c\"}]}");
      assertThat(response).isEqualTo(new ObserveResponse("start-1", List.of()));
    }
  }

  @Test
  void aChangeCarriesItsContextInHeaders() throws Exception {
    AtomicReference<String> target = new AtomicReference<>("");
    AtomicReference<List<String>> context = new AtomicReference<>(List.of());
    HttpHandler handler =
        exchange -> {
          Headers headers = exchange.getRequestHeaders();
          target.set(exchange.getRequestMethod() + " " + exchange.getRequestURI());
          context.set(
              List.of(
                  headers.getFirst("Vmcheckpoint-Start-Id"),
                  headers.getFirst("Vmcheckpoint-Leader-Term"),
                  headers.getFirst("Vmcheckpoint-Deadline-Millis")));
          answer(exchange, 200, Wire.JSON, "{\"removed\": [], \"below\": []}");
        };
    try (TlsServer server = sidecar(handler)) {
      api(server.uri()).removeCheckpoint(POD, CHECKPOINT, CONTEXT);

      assertThat(target).hasValue("DELETE /v1/machines/1b2c/checkpoints/c0ffee");
      assertThat(context).hasValue(List.of("start-1", "7", "2000"));
    }
  }

  @Test
  void aRenewalIsPutToTheMachine() throws Exception {
    AtomicReference<String> sent = new AtomicReference<>("");
    HttpHandler handler =
        exchange -> {
          sent.set(
              exchange.getRequestMethod()
                  + " "
                  + exchange.getRequestURI()
                  + " "
                  + new String(exchange.getRequestBody().readAllBytes(), UTF_8));
          answer(exchange, 200, Wire.JSON, "{\"disks\": [], \"flushed\": []}");
        };
    EpochRequest.Disk disk =
        new EpochRequest.Disk("vda", "e1", List.of("vmcp-c0ffee.1.vda"), List.of("e0"), false);
    try (TlsServer server = sidecar(handler)) {
      api(server.uri()).renewEpoch(POD, new EpochRequest(List.of(disk)), CONTEXT);

      assertThat(sent)
          .hasValue(
              "PUT /v1/machines/1b2c/epoch {\"disks\":[{\"name\":\"vda\",\"recorded\":\"e1\","
                  + "\"merge\":[\"vmcp-c0ffee.1.vda\"],\"remove\":[\"e0\"],\"flush\":false}]}");
    }
  }

  @Test
  void oneBitmapHasAPathOfItsOwn() throws Exception {
    AtomicReference<String> target = new AtomicReference<>("");
    HttpHandler handler =
        exchange -> {
          target.set(exchange.getRequestMethod() + " " + exchange.getRequestURI());
          answer(exchange, 200, Wire.JSON, "{\"removed\": [], \"below\": []}");
        };
    try (TlsServer server = sidecar(handler)) {
      api(server.uri()).removeBitmap(POD, CHECKPOINT, "vmcp-c0ffee.1.vda", CONTEXT);

      assertThat(target)
          .hasValue("DELETE /v1/machines/1b2c/checkpoints/c0ffee/bitmaps/vmcp-c0ffee.1.vda");
    }
  }

  // No connection: nothing was sent

  @Test
  void aPortWhereNobodyListensIsUnreachable() throws IOException {
    int port;
    try (ServerSocket socket = new ServerSocket(0)) {
      port = socket.getLocalPort();
    }
    URI nobody = URI.create("https://127.0.0.1:%d".formatted(port));

    assertUnreachable(
        () -> api(nobody).observe(NOBODY), "observe at " + nobody + ": no connection");
  }

  @Test
  void aPeerThatNeverAnswersTheHandshakeIsUnreachable() throws Exception {
    client = clientOf(Subject.OPERATOR, SHORT);
    try (ServerSocket silent = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      URI uri = URI.create("https://127.0.0.1:%d".formatted(silent.getLocalPort()));

      assertUnreachable(() -> api(uri).observe(NOBODY), "no connection in time");
    }
  }

  @Test
  void aServerOfAnotherNameIsUnreachable() throws Exception {
    SSLContext other = serverOf(Subject.SIDECAR.named("other.example", "127.0.0.1"));
    try (TlsServer server = TlsServer.start(other, answering(200, Wire.JSON, EMPTY_ANSWER))) {
      assertUnreachable(
          () -> api(server.uri()).observe(NOBODY),
          "the peer's certificate is for [other.example, 127.0.0.1]");
    }
  }

  @Test
  void theSidecarOfAnotherNodeIsNotBelieved() throws Exception {
    SSLContext other = serverOf(Subject.SIDECAR.named(NodeTls.sidecarName("node-2")));
    try (TlsServer server = TlsServer.start(other, answering(200, Wire.JSON, EMPTY_ANSWER))) {
      assertUnreachable(
          () -> api(server.uri()).observe(NOBODY),
          "the sidecar of node node-1 was called, and that of [node-2.sidecar.vmcheckpoint.internal] answered");
    }
  }

  @Test
  void aServerWithoutANameIsUnreachable() throws Exception {
    SSLContext nameless = serverOf(Subject.SIDECAR.named());
    try (TlsServer server = TlsServer.start(nameless, answering(200, Wire.JSON, EMPTY_ANSWER))) {
      assertUnreachable(
          () -> api(server.uri()).observe(NOBODY), "the peer's certificate is for []");
    }
  }

  @Test
  void aCertificateThatIsForNothingSpecialIsNoServers() throws Exception {
    SSLContext unused = serverOf(Subject.SIDECAR.usedFor());
    try (TlsServer server = TlsServer.start(unused, answering(200, Wire.JSON, EMPTY_ANSWER))) {
      assertUnreachable(() -> api(server.uri()).observe(NOBODY), "is not for a server");
    }
  }

  @Test
  void aServerOfAnotherAuthorityIsUnreachable() throws Exception {
    SSLContext stranger =
        NodeTls.server(
            TestAuthority.read(
                new TestAuthority().secret(directory.resolve("stranger"), Subject.SIDECAR)));
    try (TlsServer server = TlsServer.start(stranger, answering(200, Wire.JSON, EMPTY_ANSWER))) {
      assertUnreachable(() -> api(server.uri()).observe(NOBODY), "TLS: ");
    }
  }

  @Test
  void aServerWhoseCertificateHasExpiredIsUnreachable() throws Exception {
    TlsMaterial expired =
        new TlsMaterial(
            List.of(authority.identity(Subject.SIDECAR.expired())),
            List.of(authority.certificate()));
    try (TlsServer server =
        TlsServer.start(NodeTls.server(() -> expired), answering(200, Wire.JSON, EMPTY_ANSWER))) {
      assertUnreachable(
          () -> api(server.uri()).observe(NOBODY), "TLS: the peer's certificate expired at ");
    }
  }

  @Test
  void aServerWithoutTls13IsUnreachable() throws Exception {
    SSLParameters old = new SSLParameters();
    old.setProtocols(new String[] {"TLSv1.2"});
    try (TlsServer server =
        TlsServer.start(serverOf(Subject.SIDECAR), old, answering(200, Wire.JSON, EMPTY_ANSWER))) {
      assertUnreachable(() -> api(server.uri()).observe(NOBODY), "TLS: ");
    }
  }

  @Test
  void aCertificateThatIsNoClientsDoesNotCall() throws Exception {
    client = clientOf(Subject.OPERATOR.usedFor(KeyPurposeId.id_kp_serverAuth), LONG);
    AtomicReference<String> called = new AtomicReference<>("nothing");
    try (TlsServer server = sidecar(exchange -> called.set(exchange.getRequestMethod()))) {
      assertThatThrownBy(() -> api(server.uri()).observe(NOBODY))
          .isInstanceOf(NodeApiException.class);
      assertThat(called).hasValue("nothing");
    }
  }

  // The call was sent, and what came back says nothing

  @Test
  void aConnectionThatBreaksLeavesTheOutcomeOpen() throws Exception {
    try (TlsServer server = sidecar(HttpExchange::close)) {
      assertThatThrownBy(
              () ->
                  api(server.uri())
                      .ensureCheckpoint(
                          POD,
                          CHECKPOINT,
                          new EnsureRequest(
                              List.of("vda"), Optional.empty(), Barrier.Flush, Optional.empty()),
                          CONTEXT))
          .isInstanceOf(NodeApiException.NoAnswer.class)
          .hasMessageContaining("ensure at " + server.uri())
          .asInstanceOf(type(NodeApiException.class))
          .extracting(NodeApiException::retry)
          .isEqualTo(Retry.UNKNOWN);
    }
  }

  @Test
  void anAnswerThatDoesNotBeginInTimeIsNone() throws Exception {
    try (TlsServer server = sidecar(_ -> awaitTestEnd())) {
      assertNoAnswer(() -> impatientApi(server.uri()).observe(NOBODY), "no answer within 1000 ms");
    }
  }

  @Test
  void anAnswerThatDoesNotEndInTimeIsNone() throws Exception {
    HttpHandler slow =
        exchange -> {
          exchange.getResponseHeaders().set("Content-Type", Wire.JSON);
          exchange.sendResponseHeaders(200, 0);
          exchange.getResponseBody().write('{');
          exchange.getResponseBody().flush();
          awaitTestEnd();
        };
    try (TlsServer server = sidecar(slow)) {
      assertNoAnswer(() -> impatientApi(server.uri()).observe(NOBODY), "no answer within 1000 ms");
    }
  }

  @Test
  void anAnswerWithoutAnEndIsNotReadForEver() throws Exception {
    HttpHandler endless =
        exchange -> {
          exchange.getResponseHeaders().set("Content-Type", Wire.JSON);
          exchange.sendResponseHeaders(200, 0);
          byte[] spaces = " ".repeat(1 << 20).getBytes(UTF_8);
          try (OutputStream out = exchange.getResponseBody()) {
            while (testEnds.getCount() > 0) {
              out.write(spaces);
            }
          }
        };
    try (TlsServer server = sidecar(endless)) {
      assertThatThrownBy(() -> api(server.uri()).observe(NOBODY))
          .isInstanceOf(NodeApiException.NoAnswer.class)
          .hasMessageContaining("the connection failed before the whole answer was read");
    }
  }

  @Test
  void anAnswerOfAProxyIsNone() throws Exception {
    try (TlsServer server = sidecar(answering(502, "text/html", "<h1>Bad Gateway</h1>"))) {
      assertNoAnswer(
          () -> api(server.uri()).observe(NOBODY),
          "answered 502 with 'text/html' instead of application/problem+json");
    }
  }

  @Test
  void aBodyThatCannotBeReadIsNoAnswer() throws Exception {
    try (TlsServer server = sidecar(answering(200, Wire.JSON, "{\"startId\": "))) {
      assertNoAnswer(() -> api(server.uri()).observe(NOBODY), "the answer 200 cannot be read");
    }
  }

  @Test
  void aCallThatIsInterruptedEndsAndKeepsTheInterrupt() throws Exception {
    try (TlsServer server = sidecar(_ -> awaitTestEnd())) {
      Thread.currentThread().interrupt();

      assertNoAnswer(() -> api(server.uri()).observe(NOBODY), "interrupted");
      assertThat(Thread.interrupted()).isTrue();
    }
  }

  // The sidecar refused

  @Test
  void aProblemDocumentIsHandedOn() throws Exception {
    Problem problem = Problem.of(ErrorCode.StaleStartId, "this sidecar's start id is x");
    String body = new String(Wire.bytes(problem), UTF_8);
    try (TlsServer server = sidecar(answering(409, Wire.PROBLEM_JSON, body))) {
      assertThatThrownBy(() -> api(server.uri()).removeCheckpoint(POD, CHECKPOINT, CONTEXT))
          .isInstanceOf(NodeApiException.Answered.class)
          .hasMessage("StaleStartId: this sidecar's start id is x")
          .asInstanceOf(type(NodeApiException.Answered.class))
          .extracting(NodeApiException.Answered::problem)
          .isEqualTo(problem);
    }
  }

  private void awaitTestEnd() {
    try {
      testEnds.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
