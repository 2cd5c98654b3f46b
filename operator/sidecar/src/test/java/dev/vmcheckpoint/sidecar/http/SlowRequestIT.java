package dev.vmcheckpoint.sidecar.http;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.node.fixture.TestAuthority.Subject;
import dev.vmcheckpoint.sidecar.fixture.PodsDirectory;
import dev.vmcheckpoint.sidecar.fixture.RunningSidecar;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.http.HttpClient;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;

/** Requests that come byte by byte, or without an end. */
@TestInstance(Lifecycle.PER_CLASS)
final class SlowRequestIT {
  private static final int LONGER_THAN_ANY_BOUND_MILLIS = 30_000;

  private final PodsDirectory pods = PodsDirectory.create();
  private final RunningSidecar sidecar = RunningSidecar.start(pods);

  @AfterAll
  void stop() {
    sidecar.close();
    pods.close();
  }

  private Socket connect() throws Exception {
    try (HttpClient operator = sidecar.client(Subject.OPERATOR)) {
      Socket socket =
          operator
              .sslContext()
              .getSocketFactory()
              .createSocket(InetAddress.getLoopbackAddress(), sidecar.uri().getPort());
      socket.setSoTimeout(LONGER_THAN_ANY_BOUND_MILLIS);
      return socket;
    }
  }

  private static void send(Socket socket, String text) throws IOException {
    socket.getOutputStream().write(text.getBytes(US_ASCII));
    socket.getOutputStream().flush();
  }

  private static String answer(Socket socket) throws IOException {
    return new String(socket.getInputStream().readAllBytes(), US_ASCII);
  }

  @Test
  void aRequestThatDoesNotComeToItsEndIsCutOff() throws Exception {
    try (Socket socket = connect()) {
      send(
          socket,
          "POST /v1/machines/observe HTTP/1.1\r\nHost: sidecar\r\nContent-Type: application/json\r\n"
              + "Content-Length: 100\r\n\r\n{");

      assertThat(answer(socket)).isEmpty();
    }
  }

  @Test
  void aRequestThatTookUpItsDeadlineStartsNothing() throws Exception {
    String body = "{\"disks\": [\"vda\"], \"barrier\": \"Flush\"}";
    try (Socket socket = connect()) {
      send(
          socket,
          "PUT /v1/machines/a1/checkpoints/c1 HTTP/1.1\r\nHost: sidecar\r\nContent-Type: application/json\r\n"
              + "Vmcheckpoint-Start-Id: x\r\nVmcheckpoint-Leader-Term: 1\r\n"
              + "Vmcheckpoint-Deadline-Millis: 1\r\nConnection: close\r\n"
              + "Content-Length: %d\r\n\r\n".formatted(body.length()));
      sidecar.awaitCallsInProgress(1);
      send(socket, body);

      assertThat(answer(socket))
          .startsWith("HTTP/1.1 504 ")
          .contains("\"code\":\"DeadlineExceeded\"")
          .contains("reading the request took longer than its deadline of 1 ms");
    }
  }

  @Test
  void moreHeadersThanAnyCallHasAreCutOff() throws Exception {
    String headers =
        IntStream.range(0, 100).mapToObj("X-%d: y\r\n"::formatted).collect(Collectors.joining());
    try (Socket socket = connect()) {
      send(socket, "POST /v1/machines/observe HTTP/1.1\r\nHost: sidecar\r\n" + headers + "\r\n");

      assertThat(answer(socket)).doesNotStartWith("HTTP/1.1 2");
    }
  }
}
