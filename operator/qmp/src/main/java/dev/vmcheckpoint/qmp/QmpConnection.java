package dev.vmcheckpoint.qmp;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * QMP over a connected unix socket. Used by one thread at a time.
 *
 * <p>A new client can receive replies to the commands of the one before it, so ids begin with
 * something random, and replies to other ids are dropped, as are events that nobody expects; of
 * those expected nothing is kept but that they came. After any failure but {@link
 * QmpException.Refused} the connection is closed, for what comes next on it could not be told
 * apart.
 */
public final class QmpConnection implements Qmp, AutoCloseable {
  /** How many events and replies to others may come while something is waited for. */
  static final int MAX_UNASKED = 10_000;

  /** How many bytes they may have together. */
  static final int MAX_UNASKED_BYTES = 2 << 20;

  private final TimedChannel channel;
  private final ReplyMemory.Share memory;
  private final MessageReader reader;
  private final String idPrefix = UUID.randomUUID() + "-";
  private final QemuVersion version;
  private final List<Expected> expected = new ArrayList<>();
  private long commands;
  private @Nullable QmpException failure;

  private QmpConnection(
      TimedChannel channel, ReplyMemory.Share memory, MessageReader reader, QemuVersion version) {
    this.channel = channel;
    this.memory = memory;
    this.reader = reader;
    this.version = version;
  }

  /** As the other method does, for a process that has no connection beside this one. */
  public static QmpConnection open(SocketChannel channel, Duration timeout) {
    return open(channel, timeout, new ReplyMemory(Runtime.getRuntime().maxMemory()));
  }

  /**
   * Waits for the greeting and negotiates.
   *
   * @param channel a connected channel in blocking mode; closed with the connection, and where this
   *     call fails
   * @param timeout for greeting and negotiation together
   * @param memory shared with the other connections of the process
   * @throws QmpException.MonitorBusy where nothing comes in time
   * @throws QmpException where the peer does not speak QMP, or breaks off
   */
  public static QmpConnection open(SocketChannel channel, Duration timeout, ReplyMemory memory) {
    Deadline deadline = Deadline.after(timeout);
    TimedChannel timed = new TimedChannel(channel);
    ReplyMemory.Share share = memory.share();
    MessageReader reader = new MessageReader(timed, share);
    try {
      QmpConnection connection =
          new QmpConnection(timed, share, reader, greeting(reader, deadline, timeout));
      connection.exchange(
          Command.QMP_CAPABILITIES, JsonNodeFactory.instance.objectNode(), deadline, timeout);
      return connection;
    } catch (QmpException e) {
      timed.close();
      share.close();
      throw e;
    }
  }

  private static QemuVersion greeting(MessageReader reader, Deadline deadline, Duration timeout) {
    JsonNode triple;
    try {
      triple = reader.next(deadline).path("QMP").path("version").path("qemu");
    } catch (TimeoutException e) {
      if (reader.inMessage()) {
        throw new QmpException.TimedOut(
            "the monitor began a greeting and did not end it within %s".formatted(timeout));
      }
      throw new QmpException.MonitorBusy(
          "the monitor did not greet within %s: another client holds it, or QEMU hangs"
              .formatted(timeout));
    } catch (IOException e) {
      throw new QmpException.ConnectionLost(
          "the connection broke before the monitor's greeting", e);
    }
    if (!triple.path("major").isInt()
        || !triple.path("minor").isInt()
        || !triple.path("micro").isInt()) {
      throw new QmpException.ProtocolViolated(
          "the first message is not the greeting of a QMP monitor");
    }
    return new QemuVersion(
        triple.path("major").intValue(),
        triple.path("minor").intValue(),
        triple.path("micro").intValue());
  }

  @Override
  public JsonNode execute(Command command, ObjectNode arguments, Duration timeout) {
    return exchange(command, arguments, Deadline.after(timeout), timeout);
  }

  private JsonNode exchange(
      Command command, ObjectNode arguments, Deadline deadline, Duration timeout) {
    return talk(
        "answer " + command.wireName(),
        timeout,
        () -> {
          String id = idPrefix + commands++;
          send(command, arguments, id, deadline);
          return result(command, reply(id, deadline));
        });
  }

  @Override
  public ExpectedEvent expect(Event event, String id) {
    Expected added = new Expected(event, id);
    expected.add(added);
    return added;
  }

  /**
   * Runs a part of the conversation.
   *
   * @param what QEMU has to do in it
   */
  private <T> T talk(String what, Duration timeout, Talk<T> talk) {
    if (failure != null) {
      throw new QmpException.ConnectionLost(
          "QEMU cannot %s: nothing is sent, for the connection is closed since an earlier failure"
              .formatted(what),
          failure);
    }
    try {
      return talk.run();
    } catch (TimeoutException e) {
      throw broken(new QmpException.TimedOut("QEMU did not %s within %s".formatted(what, timeout)));
    } catch (IOException e) {
      throw broken(
          new QmpException.ConnectionLost(
              "the connection broke before QEMU could %s".formatted(what), e));
    } catch (QmpException.ProtocolViolated | QmpException.TimedOut e) {
      throw broken(e);
    }
  }

  private void send(Command command, ObjectNode arguments, String id, Deadline deadline)
      throws IOException, TimeoutException {
    ObjectNode message = JsonNodeFactory.instance.objectNode();
    message.put("execute", command.wireName());
    if (!arguments.isEmpty()) {
      message.set("arguments", arguments);
    }
    message.put("id", id);
    channel.write(ByteBuffer.wrap((message + "\n").getBytes(StandardCharsets.UTF_8)), deadline);
  }

  private ObjectNode reply(String id, Deadline deadline) throws IOException, TimeoutException {
    Unasked unasked = new Unasked();
    ObjectNode message = next(deadline);
    while (message.has("event") || !message.path("id").asText("").equals(id)) {
      unasked.count();
      message = next(deadline);
    }
    return message;
  }

  private ObjectNode next(Deadline deadline) throws IOException, TimeoutException {
    ObjectNode message = reader.next(deadline);
    expected.forEach(event -> event.note(message));
    return message;
  }

  private static JsonNode result(Command command, ObjectNode reply) {
    JsonNode result = reply.get("return");
    if (result != null) {
      return result;
    }
    JsonNode error = reply.path("error");
    if (error.path("class").isTextual() && error.path("desc").isTextual()) {
      throw new QmpException.Refused(
          command, error.path("class").textValue(), error.path("desc").textValue());
    }
    throw new QmpException.ProtocolViolated(
        "the reply to %s is neither a result nor an error".formatted(command.wireName()));
  }

  private QmpException broken(QmpException reason) {
    failure = reason;
    close();
    return reason;
  }

  @Override
  public QemuVersion version() {
    return version;
  }

  @Override
  public void close() {
    channel.close();
    memory.close();
  }

  private interface Talk<T> {
    T run() throws IOException, TimeoutException;
  }

  /** What has come since something is waited for. A peer that keeps it busy is not waited for. */
  private final class Unasked {
    private final long bytesBefore = reader.bytesRead();
    private int messages;

    void count() {
      messages++;
      if (messages > MAX_UNASKED || reader.bytesRead() - bytesBefore > MAX_UNASKED_BYTES) {
        throw new QmpException.ProtocolViolated(
            "%d events and replies to others came, and not what was waited for"
                .formatted(messages));
      }
    }
  }

  private final class Expected implements ExpectedEvent {
    private final Event event;
    private final String id;
    private boolean came;

    Expected(Event event, String id) {
      this.event = event;
      this.id = id;
    }

    void note(ObjectNode message) {
      came |=
          message.path("event").asText("").equals(event.name())
              && message.path("data").path("id").asText("").equals(id);
    }

    @Override
    public void await(Duration timeout) {
      Deadline deadline = Deadline.after(timeout);
      talk(
          "send %s of %s".formatted(event, id),
          timeout,
          () -> {
            Unasked unasked = new Unasked();
            while (!came) {
              next(deadline);
              unasked.count();
            }
            return this;
          });
    }
  }
}
