package dev.vmcheckpoint.sidecar.http;

import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsParameters;
import com.sun.net.httpserver.HttpsServer;
import dev.vmcheckpoint.node.NodeApi;
import dev.vmcheckpoint.node.NodeTls;
import dev.vmcheckpoint.node.ServerLimits;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import javax.net.ssl.SSLContext;

/** The operator's calls over HTTPS, each on a virtual thread. */
public final class ApiServer implements AutoCloseable {
  private static final Duration LAST_ANSWERS = Duration.ofSeconds(1);

  private final HttpsServer server;

  private ApiServer(HttpsServer server) {
    this.server = server;
  }

  /**
   * Listens on all addresses.
   *
   * @param port TCP port; 0 for any that is free
   * @throws IOException the port cannot be bound
   */
  public static ApiServer start(
      int port, SSLContext tls, NodeApi machines, Admission admission, MeterRegistry registry)
      throws IOException {
    ServerLimits.apply();
    HttpsServer server = HttpsServer.create(new InetSocketAddress(port), ServerLimits.BACKLOG);
    server.setHttpsConfigurator(
        new HttpsConfigurator(tls) {
          @Override
          public void configure(HttpsParameters parameters) {
            parameters.setSSLParameters(NodeTls.serverParameters());
          }
        });
    server.setExecutor(ServerLimits.threads("call-"));
    server.createContext(
        "/", new ApiHandler(machines, admission, new CallReport(registry, admission)));
    server.start();
    return new ApiServer(server);
  }

  /** The TCP port that it listens on. */
  public int port() {
    return server.getAddress().getPort();
  }

  /** Ends as soon as the answers that are under way are sent. */
  @Override
  public void close() {
    server.stop((int) LAST_ANSWERS.toSeconds());
  }
}
