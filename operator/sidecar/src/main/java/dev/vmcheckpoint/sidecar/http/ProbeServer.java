package dev.vmcheckpoint.sidecar.http;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.vmcheckpoint.node.ServerLimits;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * The kubelet's probes and Prometheus metrics over plain HTTP: nothing secret, nothing to change.
 */
public final class ProbeServer implements AutoCloseable {
  private static final String TEXT = "text/plain; charset=utf-8";
  private static final String PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8";

  private final HttpServer server;

  private ProbeServer(HttpServer server) {
    this.server = server;
  }

  private record Page(int status, String contentType, String text) {}

  /**
   * Listens on all addresses.
   *
   * @param port TCP port; 0 for any that is free
   * @param ready whether calls are taken
   * @param metrics all metrics in Prometheus' text format
   * @throws IOException the port cannot be bound
   */
  public static ProbeServer start(int port, BooleanSupplier ready, Supplier<String> metrics)
      throws IOException {
    ServerLimits.apply();
    HttpServer server = HttpServer.create(new InetSocketAddress(port), ServerLimits.BACKLOG);
    server.setExecutor(ServerLimits.threads("probe-"));
    server.createContext("/", exchange -> send(exchange, page(exchange, ready, metrics)));
    server.start();
    return new ProbeServer(server);
  }

  private static Page page(HttpExchange exchange, BooleanSupplier ready, Supplier<String> metrics) {
    if (!exchange.getRequestMethod().equals("GET")) {
      return new Page(405, TEXT, "only GET\n");
    }
    return switch (exchange.getRequestURI().getPath()) {
      case "/healthz" -> new Page(200, TEXT, "ok\n");
      case "/readyz" ->
          ready.getAsBoolean()
              ? new Page(200, TEXT, "ok\n")
              : new Page(503, TEXT, "stopping, or without a certificate\n");
      case "/metrics" -> new Page(200, PROMETHEUS, metrics.get());
      default -> new Page(404, TEXT, "/healthz, /readyz and /metrics are here\n");
    };
  }

  private static void send(HttpExchange exchange, Page page) throws IOException {
    try (exchange) {
      byte[] body = page.text().getBytes(StandardCharsets.UTF_8);
      exchange.getResponseHeaders().set("Content-Type", page.contentType());
      exchange.sendResponseHeaders(page.status(), body.length);
      exchange.getResponseBody().write(body);
    }
  }

  /** The TCP port that it listens on. */
  public int port() {
    return server.getAddress().getPort();
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
