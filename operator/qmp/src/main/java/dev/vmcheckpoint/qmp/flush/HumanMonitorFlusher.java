package dev.vmcheckpoint.qmp.flush;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.vmcheckpoint.qmp.Command;
import dev.vmcheckpoint.qmp.QmpException;
import dev.vmcheckpoint.qmp.Session;
import java.util.regex.Pattern;

/**
 * Flushes through the human monitor. It holds QEMU's main loop until the medium has answered, so it
 * is second best; and {@code qemu-io} answers with text only where it did not get as far as
 * flushing: what the medium said goes to QEMU's standard error, and is not seen here.
 */
final class HumanMonitorFlusher {
  /** What QEMU accepts as a name and what it gives itself, neither of which ends the argument. */
  private static final Pattern NODE = Pattern.compile("[A-Za-z#][A-Za-z0-9._-]*");

  private HumanMonitorFlusher() {}

  static void flush(String node, Session session) {
    if (!NODE.matcher(node).matches()) {
      throw new FlushException(
          "node %s was not flushed through the human monitor: QEMU has no nodes of such names"
              .formatted(node));
    }
    JsonNode answer;
    try {
      answer =
          session
              .run(
                  Command.HUMAN_MONITOR_COMMAND,
                  JsonNodeFactory.instance
                      .objectNode()
                      .put("command-line", "qemu-io %s \"flush\"".formatted(node)),
                  session.timeouts().flush())
              .json();
    } catch (QmpException.Refused e) {
      throw new FlushException(
          "node %s was not flushed through the human monitor: %s".formatted(node, e.description()),
          e);
    } catch (QmpException.TimedOut e) {
      throw new FlushException(
          "the flush of node %s through the human monitor did not return in time".formatted(node),
          e);
    }
    if (!answer.isTextual() || !answer.textValue().isEmpty()) {
      throw new FlushException(
          "node %s was not flushed through the human monitor: %s"
              .formatted(node, answer.asText().strip()));
    }
  }
}
