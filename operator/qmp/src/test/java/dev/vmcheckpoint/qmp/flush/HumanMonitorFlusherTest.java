package dev.vmcheckpoint.qmp.flush;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.vmcheckpoint.qmp.Command;
import dev.vmcheckpoint.qmp.Deadline;
import dev.vmcheckpoint.qmp.Event;
import dev.vmcheckpoint.qmp.ExpectedEvent;
import dev.vmcheckpoint.qmp.QemuVersion;
import dev.vmcheckpoint.qmp.Qmp;
import dev.vmcheckpoint.qmp.QmpException;
import dev.vmcheckpoint.qmp.Session;
import dev.vmcheckpoint.qmp.Timeouts;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class HumanMonitorFlusherTest {
  private final List<String> sent = new ArrayList<>();

  @Test
  void anEmptyAnswerIsSuccess() {
    flush(() -> JsonNodeFactory.instance.textNode(""));

    assertThat(sent).containsExactly("{\"command-line\":\"qemu-io #block1 \\\"flush\\\"\"}");
  }

  @Test
  void textIsAFailure() {
    assertThatThrownBy(
            () -> flush(() -> JsonNodeFactory.instance.textNode("Error: no such node\r\n")))
        .isInstanceOf(FlushException.class)
        .hasMessage("node #block1 was not flushed through the human monitor: Error: no such node");
  }

  @Test
  void anAnswerThatIsNoTextIsAFailure() {
    assertThatThrownBy(() -> flush(() -> JsonNodeFactory.instance.objectNode()))
        .isInstanceOf(FlushException.class);
  }

  @Test
  void aRefusalIsAFailure() {
    assertThatThrownBy(
            () ->
                flush(
                    () -> {
                      throw new QmpException.Refused(
                          Command.HUMAN_MONITOR_COMMAND, "CommandNotFound", "not there");
                    }))
        .isInstanceOf(FlushException.class)
        .hasMessageEndingWith("not there");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "a \"write 0 1M\"",
        "a\"",
        "-h",
        "a\nquit",
        "a;quit",
        "/objects",
        "\u0430" // looks like an a
      })
  void aNodeWhoseNameWouldBeMoreThanANameIsNotNamedThere(String node) {
    assertThatThrownBy(() -> flush(node, () -> JsonNodeFactory.instance.textNode("")))
        .isInstanceOf(FlushException.class)
        .hasMessageContaining("QEMU has no nodes of such names");

    assertThat(sent).isEmpty();
  }

  private void flush(Supplier<JsonNode> answer) {
    flush("#block1", answer);
  }

  private void flush(String node, Supplier<JsonNode> answer) {
    Qmp qmp =
        new Qmp() {
          @Override
          public JsonNode execute(Command command, ObjectNode arguments, Duration timeout) {
            sent.add(arguments.toString());
            return answer.get();
          }

          @Override
          public ExpectedEvent expect(Event event, String id) {
            throw new AssertionError(event);
          }

          @Override
          public QemuVersion version() {
            return new QemuVersion(7, 2, 22);
          }
        };
    HumanMonitorFlusher.flush(
        node, new Session(qmp, Timeouts.DEFAULT, Deadline.after(Duration.ofMinutes(1))));
  }
}
