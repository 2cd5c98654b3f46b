package dev.vmcheckpoint.controller.certificates;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpExchange;
import dev.vmcheckpoint.node.HttpNodeApi;
import dev.vmcheckpoint.node.NodeTls;
import dev.vmcheckpoint.node.ObserveRequest;
import dev.vmcheckpoint.node.ObserveResponse;
import dev.vmcheckpoint.node.TlsSource;
import dev.vmcheckpoint.node.fixture.TlsServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.http.HttpClient;
import java.time.Duration;
import java.util.List;

/** The sidecar of a node without machines, which the operator calls over TLS. */
final class AnsweringSidecar implements AutoCloseable {
  static final String NODE = "node-1";
  static final ObserveResponse ANSWER = new ObserveResponse("start-1", List.of());

  private final TlsServer server;

  private AnsweringSidecar(TlsServer server) {
    this.server = server;
  }

  static AnsweringSidecar showing(TlsSource certificates) {
    try {
      return new AnsweringSidecar(
          TlsServer.start(NodeTls.server(certificates), AnsweringSidecar::answer));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void answer(HttpExchange exchange) throws IOException {
    byte[] body =
        "{\"startId\": \"%s\", \"machines\": []}".formatted(ANSWER.startId()).getBytes(UTF_8);
    exchange.getResponseHeaders().set("Content-Type", "application/json");
    exchange.sendResponseHeaders(200, body.length);
    exchange.getResponseBody().write(body);
    exchange.close();
  }

  /** What an operator is told who calls over a new connection. */
  ObserveResponse calledBy(TlsSource operator) {
    try (HttpClient client =
        HttpNodeApi.newClient(NodeTls.client(operator), Duration.ofSeconds(20))) {
      return new HttpNodeApi(server.uri(), NODE, client, HttpNodeApi.Timeouts.DEFAULT)
          .observe(new ObserveRequest(List.of()));
    }
  }

  @Override
  public void close() {
    server.close();
  }
}
