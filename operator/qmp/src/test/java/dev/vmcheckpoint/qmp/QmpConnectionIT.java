package dev.vmcheckpoint.qmp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.vmcheckpoint.qmp.fixture.Qemu;
import dev.vmcheckpoint.qmp.fixture.Tool;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
final class QmpConnectionIT {
  private static final Duration SHORT = Duration.ofMillis(500);
  private static final Duration LONG = Duration.ofSeconds(20);

  /** Holds QEMU's main loop, and with it the reply, for a second. */
  private static final String ONE_SECOND = "qemu-io vda-node \\\"sleep 1000\\\"";

  @TempDir Path dir;
  private Qemu qemu;

  @BeforeEach
  void start() {
    qemu = Qemu.in(dir).stopped().disk("vda", Tool.qcow2(dir.resolve("a.qcow2"))).start();
  }

  @AfterEach
  void stop() {
    qemu.close();
  }

  @Test
  void qemuGreetsWithItsVersionAndAnswers() {
    try (QmpConnection connection = QmpConnection.open(qemu.connect(), LONG)) {
      assertThat(connection.version().isAtLeast(5)).isTrue();
      assertThat(queryStatus(connection, LONG).path("status").textValue()).isEqualTo("prelaunch");
    }
  }

  @Test
  void whatQemuRefusesIsTyped() {
    try (QmpConnection connection = QmpConnection.open(qemu.connect(), LONG)) {
      assertThatThrownBy(
              () ->
                  connection.execute(
                      Command.BLOCK_DIRTY_BITMAP_REMOVE,
                      JsonNodeFactory.instance
                          .objectNode()
                          .put("node", "vda-node")
                          .put("name", "x"),
                      LONG))
          .isInstanceOf(QmpException.Refused.class)
          .hasMessageContaining("block-dirty-bitmap-remove");
    }
  }

  @Test
  void aMonitorThatAnotherClientHoldsIsBusy() {
    try (QmpConnection first = QmpConnection.open(qemu.connect(), LONG)) {
      assertThatThrownBy(() -> QmpConnection.open(qemu.connect(), SHORT).close())
          .isInstanceOf(QmpException.MonitorBusy.class);
      assertThat(queryStatus(first, LONG).has("status")).isTrue();
    }
  }

  @Test
  void theReplyToThePreviousClientIsNotTakenForOurs() throws IOException {
    try (SocketChannel previous = qemu.connect()) {
      send(previous, "{\"execute\": \"qmp_capabilities\", \"id\": 0}");
      send(
          previous,
          "{\"execute\": \"human-monitor-command\", \"arguments\": {\"command-line\": \"%s\"}, \"id\": 1}"
              .formatted(ONE_SECOND));
      awaitReply(previous, "\"id\": 0");
    }

    try (QmpConnection connection = QmpConnection.open(qemu.connect(), LONG)) {
      assertThat(queryStatus(connection, LONG).has("status")).isTrue();
    }
  }

  @Test
  void aQemuThatHangsDoesNotGreet() {
    Tool.signal(qemu.process(), "STOP");

    assertThatThrownBy(() -> QmpConnection.open(qemu.connect(), SHORT).close())
        .isInstanceOf(QmpException.MonitorBusy.class);
  }

  @Test
  void aQemuThatHangsDoesNotAnswer() {
    try (QmpConnection connection = QmpConnection.open(qemu.connect(), LONG)) {
      Tool.signal(qemu.process(), "STOP");

      assertThatThrownBy(() -> queryStatus(connection, SHORT))
          .isInstanceOf(QmpException.TimedOut.class);
    }
  }

  @Test
  void aQemuThatIsKilledIsLost() {
    try (QmpConnection connection = QmpConnection.open(qemu.connect(), LONG)) {
      qemu.process().destroyForcibly().onExit().join();

      assertThatThrownBy(() -> queryStatus(connection, LONG))
          .isInstanceOf(QmpException.ConnectionLost.class);
    }
  }

  @Test
  void theMonitorIsFreeAfterAConnectionIsClosed() {
    for (int i = 0; i < 20; i++) {
      try (QmpConnection connection = QmpConnection.open(qemu.connect(), LONG)) {
        assertThat(queryStatus(connection, LONG).has("status")).isTrue();
      }
    }
  }

  private static void send(SocketChannel channel, String message) throws IOException {
    channel.write(ByteBuffer.wrap(message.getBytes(StandardCharsets.UTF_8)));
  }

  private static void awaitReply(SocketChannel channel, String part) throws IOException {
    StringBuilder seen = new StringBuilder();
    ByteBuffer buffer = ByteBuffer.allocate(4096);
    while (seen.indexOf(part) < 0) {
      buffer.clear();
      channel.read(buffer);
      seen.append(StandardCharsets.UTF_8.decode(buffer.flip()));
    }
  }

  private static JsonNode queryStatus(QmpConnection connection, Duration timeout) {
    return connection.execute(Command.QUERY_STATUS, JsonNodeFactory.instance.objectNode(), timeout);
  }
}
