package dev.vmcheckpoint.controller.serve;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.vmcheckpoint.node.ServerLimits;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.HttpURLConnection;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.function.BooleanSupplier;

/** {@code /healthz}, {@code /readyz} and {@code /metrics}, in plain HTTP. */
public final class ProbeServer implements AutoCloseable {
  private static final String TEXT = "text/plain; charset=utf-8";
  private static final String PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8";

  private final HttpServer server;
  private volatile BooleanSupplier ready = () -> false;

  /**
   * Listens at once; not ready at first.
   *
   * @param port 0 for any that is free
   * @throws UncheckedIOException if the port cannot be listened on
   */
  public ProbeServer(int port, PrometheusMeterRegistry meters) {
    ServerLimits.apply();
    try {
      server = HttpServer.create(new InetSocketAddress(port), ServerLimits.BACKLOG);
    } catch (IOException e) {
      throw new UncheckedIOException("while listening on port %d for probes".formatted(port), e);
    }
    server.setExecutor(ServerLimits.threads("probe-"));
    server.createContext("/healthz", exchange -> answer(exchange, true, TEXT, "ok\n"));
    server.createContext(
        "/readyz",
        exchange -> {
          boolean isReady = ready.getAsBoolean();
          answer(exchange, isReady, TEXT, isReady ? "ok\n" : "not ready\n");
        });
    server.createContext(
        "/metrics", exchange -> answer(exchange, true, PROMETHEUS_TEXT, meters.scrape()));
    server.start();
  }

  /** The port that is listened on. */
  public int port() {
    return server.getAddress().getPort();
  }

  /** Ready as long as this holds. */
  public void readyWhile(BooleanSupplier condition) {
    ready = condition;
  }

  /** Not ready from now on. */
  public void notReady() {
    ready = () -> false;
  }

  @Override
  public void close() {
    server.stop(0);
  }

  private static void answer(HttpExchange exchange, boolean good, String type, String text)
      throws IOException {
    byte[] body = text.getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", type);
    exchange.sendResponseHeaders(
        good ? HttpURLConnection.HTTP_OK : HttpURLConnection.HTTP_UNAVAILABLE, body.length);
    try (OutputStream out = exchange.getResponseBody()) {
      out.write(body);
    }
  }
}
