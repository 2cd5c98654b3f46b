package dev.vmcheckpoint.qmp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.vmcheckpoint.qmp.QmpException.ConnectionLost;
import dev.vmcheckpoint.qmp.QmpException.MonitorBusy;
import dev.vmcheckpoint.qmp.QmpException.ProtocolViolated;
import dev.vmcheckpoint.qmp.QmpException.Refused;
import dev.vmcheckpoint.qmp.QmpException.TimedOut;
import dev.vmcheckpoint.qmp.fixture.FakePeer;
import dev.vmcheckpoint.qmp.fixture.FakePeer.Client;
import dev.vmcheckpoint.qmp.fixture.FakePeer.Script;
import java.io.IOException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A monitor's peer is a tenant's process: whatever it does ends in bounded time and memory. */
@Timeout(30)
final class QmpConnectionFaultsIT {
  private static final Duration SHORT = Duration.ofMillis(300);
  private static final Duration LONG = Duration.ofSeconds(20);
  private static final String DELETED =
      "{\"event\": \"BLOCK_EXPORT_DELETED\", \"data\": {\"id\": \"%s\"}}\n";

  @TempDir Path dir;

  // Greeting and negotiation

  @Test
  void noGreetingMeansThatTheMonitorIsBusy() {
    assertThatThrownBy(() -> open(client -> {}, SHORT))
        .isInstanceOf(MonitorBusy.class)
        .hasMessageContaining("another client holds it");
  }

  @Test
  void aGreetingThatDoesNotEndTimesOut() {
    assertThatThrownBy(() -> openOnceHeard(client -> client.send("{\"QMP\": ")))
        .isInstanceOf(TimedOut.class);
  }

  @Test
  void aGreetingOfOneByteATimeTimesOut() {
    Script drip =
        client -> {
          while (true) {
            client.send(" ");
            Thread.sleep(20);
          }
        };

    assertThatThrownBy(() -> openOnceHeard(drip)).isInstanceOf(TimedOut.class);
  }

  @Test
  void aPeerThatClosesBeforeItsGreetingIsLost() {
    assertThatThrownBy(() -> open(Client::hangUp, LONG)).isInstanceOf(ConnectionLost.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "SSH-2.0-OpenSSH\r\n",
        "\r\n",
        "[]\n",
        "{\"return\": {}}\n",
        "{\"QMP\": {\"version\": {\"qemu\": {\"major\": \"7\"}}}}\n",
        "{\"QMP\": {}} {}\n"
      })
  void aPeerThatGreetsOtherwiseDoesNotSpeakQmp(String greeting) {
    assertThatThrownBy(() -> open(client -> client.send(greeting), LONG))
        .isInstanceOf(ProtocolViolated.class);
  }

  @Test
  void anUnansweredNegotiationTimesOut() {
    assertThatThrownBy(() -> openOnceHeard(client -> client.send(FakePeer.GREETING)))
        .isInstanceOf(TimedOut.class)
        .hasMessageContaining("qmp_capabilities");
  }

  // Replies

  @Test
  void eventsAndRepliesToOthersAreNoReplies() {
    JsonNode result =
        query(
            client -> {
              client.send("{\"event\": \"RESUME\", \"timestamp\": {}}\r\n");
              client.send("{\"return\": \"of another\", \"id\": \"1\"}\r\n");
              client.send("{\"return\": \"of another\", \"id\": 1}\r\n");
              client.send("{\"error\": {\"class\": \"GenericError\", \"desc\": \"no id\"}}\r\n");
              client.reply("\"return\": \"ours\"");
            },
            LONG);

    assertThat(result.textValue()).isEqualTo("ours");
  }

  @Test
  void aReplyCanComeInPieces() {
    JsonNode result =
        query(
            client -> {
              String reply = "{\"return\": \"w\u00c3\u00a4hrend\", \"id\": \"%s\"}\r\n";
              for (char piece : reply.formatted(client.readId()).toCharArray()) {
                client.send(String.valueOf(piece));
              }
            },
            LONG);

    assertThat(result.textValue()).isEqualTo("während");
  }

  @Test
  void theSecondOfTwoRepliesIsNotTakenForTheNextCommands() {
    Script twice =
        client -> {
          client.negotiate();
          String first = client.readId();
          client.send(
              "{\"return\": 1, \"id\": \"%1$s\"}\n{\"return\": 1, \"id\": \"%1$s\"}\n"
                  .formatted(first));
          client.reply("\"return\": 2");
        };

    try (FakePeer peer = FakePeer.listen(dir.resolve("s"), twice);
        QmpConnection connection = QmpConnection.open(peer.connect(), LONG)) {
      assertThat(queryStatus(connection, LONG).intValue()).isEqualTo(1);
      assertThat(queryStatus(connection, LONG).intValue()).isEqualTo(2);
    }
  }

  @Test
  void anErrorIsQemusRefusalInItsOwnWords() {
    assertThatThrownBy(
            () ->
                query(
                    client ->
                        client.reply(
                            "\"error\": {\"class\": \"GenericError\", \"desc\": \"No way\"}"),
                    LONG))
        .isInstanceOfSatisfying(
            Refused.class,
            refused -> {
              assertThat(refused.errorClass()).isEqualTo("GenericError");
              assertThat(refused.description()).isEqualTo("No way");
            });
  }

  @ParameterizedTest
  @ValueSource(strings = {"\"result\": {}", "\"error\": \"no\"", "\"error\": {\"class\": \"X\"}"})
  void aReplyThatIsNeitherResultNorErrorIsNotQmp(String member) {
    assertThatThrownBy(() -> query(client -> client.reply(member), LONG))
        .isInstanceOf(ProtocolViolated.class);
  }

  @Test
  void invalidUtf8IsNotQmp() {
    assertThatThrownBy(() -> query(client -> client.reply("\"return\": \"\u00ff\u00fe\""), LONG))
        .isInstanceOf(ProtocolViolated.class);
  }

  // Bounds

  @Test
  void aReplyIsBoundedInSize() {
    String mebibyte = "x".repeat(1 << 20);
    Script endless =
        client -> {
          client.send("{\"return\": \"");
          while (true) {
            client.send(mebibyte);
          }
        };

    assertThatThrownBy(() -> query(endless, LONG))
        .isInstanceOf(ProtocolViolated.class)
        .hasMessageContaining("16777216 bytes");
  }

  @Test
  void aReplyIsBoundedInDepth() {
    String deep = "[".repeat(10_000) + "]".repeat(10_000);

    assertThatThrownBy(() -> query(client -> client.reply("\"return\": " + deep), LONG))
        .isInstanceOf(ProtocolViolated.class);
  }

  @Test
  void aReplyIsBoundedInTheNumberOfItsValues() {
    String wide = "[" + "0,".repeat(2_000_000) + "0]";

    assertThatThrownBy(() -> query(client -> client.reply("\"return\": " + wide), LONG))
        .isInstanceOf(ProtocolViolated.class);
  }

  @Test
  void aReplyIsBoundedInTheMemoryThatItTakes() {
    String empty = "[" + "{},".repeat(100_000) + "{}]";
    ReplyMemory ofASmallProcess = new ReplyMemory(64 << 20);

    try (FakePeer peer =
            FakePeer.listen(
                dir.resolve("s"), negotiated(client -> client.reply("\"return\": " + empty)));
        QmpConnection connection = QmpConnection.open(peer.connect(), LONG, ofASmallProcess)) {
      assertThatThrownBy(() -> queryStatus(connection, LONG))
          .isInstanceOf(ProtocolViolated.class)
          .hasMessageContaining("bytes of memory");
    }
  }

  @Test
  void aReplyIsBoundedInTheLengthOfATextInIt() {
    assertThatThrownBy(
            () ->
                query(
                    client -> client.reply("\"return\": \"%s\"".formatted("x".repeat(1 << 17))),
                    LONG))
        .isInstanceOf(ProtocolViolated.class);
  }

  @Test
  void eventsAreBoundedInNumber() {
    String events = "{\"event\": \"X\"}\n".repeat(10_000);
    Script endless =
        client -> {
          while (true) {
            client.send(events);
          }
        };

    assertThatThrownBy(() -> query(endless, LONG))
        .isInstanceOf(ProtocolViolated.class)
        .hasMessageContaining("events");
  }

  @Test
  void eventsAreBoundedInSize() {
    String event = "{\"event\": \"X\", \"data\": \"%s\"}\n".formatted("x".repeat(50_000));
    Script endless =
        client -> {
          while (true) {
            client.send(event);
          }
        };

    assertThatThrownBy(() -> query(endless, LONG))
        .isInstanceOf(ProtocolViolated.class)
        .hasMessageContaining("events");
  }

  @Test
  void soAreEventsInsteadOfTheExpectedOne() {
    String events = "{\"event\": \"X\"}\n".repeat(10_000);

    assertThatThrownBy(
            () ->
                expectExport(
                    client -> {
                      client.reply("\"return\": {}");
                      while (true) {
                        client.send(events);
                      }
                    },
                    LONG))
        .isInstanceOf(ProtocolViolated.class)
        .hasMessageContaining("events");
  }

  @Test
  void eventsDoNotProlongATimeOut() {
    Script drip =
        client -> {
          while (true) {
            client.send("{\"event\": \"X\"}\n");
            Thread.sleep(20);
          }
        };

    assertThatThrownBy(() -> query(drip, SHORT)).isInstanceOf(TimedOut.class);
  }

  @Test
  void aPeerThatTakesNoCommandsTimesOut() {
    Script deaf = Client::negotiate;

    try (FakePeer peer = FakePeer.listen(dir.resolve("s"), deaf);
        QmpConnection connection = QmpConnection.open(peer.connect(), LONG)) {
      assertThatThrownBy(
              () ->
                  connection.execute(
                      Command.TRANSACTION,
                      JsonNodeFactory.instance.objectNode().put("actions", "x".repeat(4 << 20)),
                      SHORT))
          .isInstanceOf(TimedOut.class);
    }
  }

  // Events

  @Test
  void anExpectedEventCanComeBeforeTheReply() {
    expectExport(
        client -> {
          String id = client.readId();
          client.send(DELETED.formatted("ours"));
          client.send("{\"return\": {}, \"id\": \"%s\"}\n".formatted(id));
        },
        LONG);
  }

  @Test
  void anExpectedEventCanComeAfterTheReply() {
    expectExport(
        client -> {
          client.reply("\"return\": {}");
          client.send(DELETED.formatted("another"));
          client.send(DELETED.formatted("ours"));
        },
        LONG);
  }

  @Test
  void anotherEventIsNotTheExpectedOne() {
    assertThatThrownBy(
            () ->
                expectExport(
                    client -> {
                      client.reply("\"return\": {}");
                      client.send(DELETED.formatted("another"));
                      client.send("{\"event\": \"RESUME\", \"data\": {\"id\": \"ours\"}}\n");
                    },
                    SHORT))
        .isInstanceOf(TimedOut.class)
        .hasMessage("QEMU did not send BLOCK_EXPORT_DELETED of ours within PT0.3S");
  }

  @Test
  void aPeerThatHangsUpInsteadOfAnEventIsLost() {
    assertThatThrownBy(
            () ->
                expectExport(
                    client -> {
                      client.reply("\"return\": {}");
                      client.hangUp();
                    },
                    LONG))
        .isInstanceOf(ConnectionLost.class)
        .hasMessageContaining("BLOCK_EXPORT_DELETED of ours");
  }

  // After a failure

  @Test
  void aPeerThatHangsUpInsteadOfAnsweringIsLost() {
    assertThatThrownBy(
            () ->
                query(
                    client -> {
                      client.readId();
                      client.hangUp();
                    },
                    LONG))
        .isInstanceOf(ConnectionLost.class)
        .hasMessageContaining("query-status");
  }

  @Test
  void aConnectionIsOfNoUseAfterATimeOut() {
    Script late =
        client -> {
          client.negotiate();
          String first = client.readId();
          Thread.sleep(2 * SHORT.toMillis());
          client.send("{\"return\": {}, \"id\": \"%s\"}\n".formatted(first));
        };

    try (FakePeer peer = FakePeer.listen(dir.resolve("s"), late);
        QmpConnection connection = QmpConnection.open(peer.connect(), LONG)) {
      assertThatThrownBy(() -> queryStatus(connection, SHORT)).isInstanceOf(TimedOut.class);
      assertThatThrownBy(() -> queryStatus(connection, LONG))
          .isInstanceOf(ConnectionLost.class)
          .hasMessageContaining("nothing is sent");
    }
  }

  @Test
  void aRefusalLeavesTheConnectionUsable() throws IOException {
    Script refusing =
        client -> {
          client.negotiate();
          client.reply("\"error\": {\"class\": \"GenericError\", \"desc\": \"No way\"}");
          client.reply("\"return\": 2");
        };

    try (FakePeer peer = FakePeer.listen(dir.resolve("s"), refusing);
        QmpConnection connection = QmpConnection.open(peer.connect(), LONG)) {
      assertThatThrownBy(() -> queryStatus(connection, LONG)).isInstanceOf(Refused.class);
      assertThat(queryStatus(connection, LONG).intValue()).isEqualTo(2);
    }
  }

  private void open(Script script, Duration timeout) {
    try (FakePeer peer = FakePeer.listen(dir.resolve("s"), script)) {
      QmpConnection.open(peer.connect(), timeout).close();
    }
  }

  /** A peer from which nothing has come in time would be a monitor that is busy. */
  private void openOnceHeard(Script script) throws IOException {
    try (FakePeer peer = FakePeer.listen(dir.resolve("s"), script);
        SocketChannel channel = peer.connect()) {
      awaitReadable(channel);
      QmpConnection.open(channel, SHORT).close();
    }
  }

  private static void awaitReadable(SocketChannel channel) throws IOException {
    channel.configureBlocking(false);
    try (Selector selector = Selector.open()) {
      channel.register(selector, SelectionKey.OP_READ);
      selector.select();
    }
    channel.configureBlocking(true);
  }

  private void expectExport(Script afterNegotiation, Duration timeout) {
    try (FakePeer peer = FakePeer.listen(dir.resolve("s"), negotiated(afterNegotiation));
        QmpConnection connection = QmpConnection.open(peer.connect(), LONG)) {
      ExpectedEvent event = connection.expect(Event.BLOCK_EXPORT_DELETED, "ours");
      queryStatus(connection, LONG);
      event.await(timeout);
    }
  }

  private static Script negotiated(Script afterNegotiation) {
    return client -> {
      client.negotiate();
      afterNegotiation.run(client);
    };
  }

  private JsonNode query(Script afterNegotiation, Duration timeout) {
    try (FakePeer peer = FakePeer.listen(dir.resolve("s"), negotiated(afterNegotiation));
        QmpConnection connection = QmpConnection.open(peer.connect(), LONG)) {
      return queryStatus(connection, timeout);
    }
  }

  private static JsonNode queryStatus(QmpConnection connection, Duration timeout) {
    return connection.execute(Command.QUERY_STATUS, JsonNodeFactory.instance.objectNode(), timeout);
  }
}
