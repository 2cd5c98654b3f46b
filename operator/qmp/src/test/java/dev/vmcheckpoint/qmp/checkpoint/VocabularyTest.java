package dev.vmcheckpoint.qmp.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.vmcheckpoint.qmp.Command;
import dev.vmcheckpoint.qmp.Deadline;
import dev.vmcheckpoint.qmp.Event;
import dev.vmcheckpoint.qmp.ExpectedEvent;
import dev.vmcheckpoint.qmp.QemuVersion;
import dev.vmcheckpoint.qmp.Qmp;
import dev.vmcheckpoint.qmp.Timeouts;
import dev.vmcheckpoint.qmp.flush.MonitorVolume;
import dev.vmcheckpoint.qmp.flush.NodeFlusher;
import java.io.IOException;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Every command that is sent to a machine, and in what form: the arguments of some commands are
 * commands themselves. What a machine shows and what is asked for is put into these forms, and
 * changes none of them.
 */
final class VocabularyTest {
  private static final CheckpointUid UID = new CheckpointUid("c1");
  private static final String BITMAP = "vmcp-c1.a1.";
  private static final Deadline SOON = Deadline.after(Duration.ofMinutes(1));

  /** Nothing here is to be added without a look at what it lets a tenant do, and in which form. */
  @Test
  void itIsThis() {
    assertThat(Command.values())
        .extracting(Command::wireName)
        .containsExactlyInAnyOrder(
            "qmp_capabilities",
            "query-status",
            "query-migrate",
            "query-blockstats",
            "query-jobs",
            "query-named-block-nodes",
            "query-block-exports",
            "query-chardev",
            "query-iothreads",
            "block-dirty-bitmap-add",
            "block-dirty-bitmap-merge",
            "block-dirty-bitmap-remove",
            "transaction",
            "nbd-server-start",
            "nbd-server-stop",
            "block-export-add",
            "block-export-del",
            "human-monitor-command");
  }

  @Test
  void everythingThatIsDoneToAMachineHasItsForm() {
    Machine machine = new Machine("n");

    doEverything(machine);

    assertThat(machine.sent()).allSatisfy(VocabularyTest::assertForm);
    // An export is added only where QEMU's NBD server answers.
    Set<Command> expected =
        EnumSet.complementOf(EnumSet.of(Command.QMP_CAPABILITIES, Command.BLOCK_EXPORT_ADD));
    assertThat(machine.sent()).extracting(Sent::command).containsAll(expected);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "n\" \"write 0 1M\" \"",
        "n\nquit",
        "n\"}}, {\"type\": \"blockdev-snapshot-sync\", \"data\": {\"device\": \"n\"",
        "n;quit",
        "-h",
        "\u2028",
        "\u0000"
      })
  void theNamesOfNodesChangeNoForm(String node) {
    Machine machine = new Machine(node);

    doEverything(machine);

    assertThat(machine.sent()).allSatisfy(VocabularyTest::assertForm);
    assertThat(machine.sent())
        .extracting(Sent::command)
        .contains(Command.TRANSACTION)
        .doesNotContain(Command.HUMAN_MONITOR_COMMAND);
  }

  /** Each kind of call, on two disks, of which a refusal is an answer as well. */
  private static void doEverything(Machine machine) {
    Checkpoints checkpoints =
        new Checkpoints(
            machine, new NodeFlusher(machine, new NoSockets(), Timeouts.DEFAULT), Timeouts.DEFAULT);
    attempt(
        () ->
            checkpoints.renew(
                List.of(new Renewal("vda", "e1", List.of(BITMAP + "vda"), List.of("e0"), true)),
                SOON));
    attempt(
        () ->
            checkpoints.ensure(
                new CheckpointUid("c2"),
                List.of("vda", "vdb"),
                _ -> true,
                OptionalLong.of(65_536),
                Barrier.FLUSH,
                SOON));
    attempt(
        () ->
            checkpoints.ensure(
                new CheckpointUid("c3"),
                List.of("vda", "vdb"),
                _ -> true,
                OptionalLong.empty(),
                Barrier.NONE,
                SOON));
    attempt(() -> checkpoints.remove(UID, BITMAP + "vda", SOON));
    attempt(() -> checkpoints.remove(UID, SOON));
  }

  private static void attempt(Runnable call) {
    try {
      call.run();
    } catch (CheckpointException e) {
      // What was sent is what matters.
    }
  }

  private static void assertForm(Sent sent) {
    JsonNode arguments = sent.arguments();
    switch (sent.command()) {
      case BLOCK_DIRTY_BITMAP_ADD -> assertAddition(arguments);
      case BLOCK_DIRTY_BITMAP_REMOVE -> {
        assertThat(names(arguments)).containsExactlyInAnyOrder("node", "name");
        assertOurs(arguments.get("name"));
      }
      case BLOCK_DIRTY_BITMAP_MERGE -> {
        assertThat(names(arguments)).containsExactlyInAnyOrder("node", "target", "bitmaps");
        assertOurs(arguments.get("target"));
        assertThat(arguments.get("bitmaps"))
            .isNotEmpty()
            .allSatisfy(
                source -> {
                  assertThat(names(source)).containsExactlyInAnyOrder("node", "name");
                  assertThat(source.get("name")).isEqualTo(arguments.get("target"));
                });
      }
      case TRANSACTION -> {
        assertThat(names(arguments)).containsExactly("actions");
        assertThat(arguments.get("actions"))
            .isNotEmpty()
            .allSatisfy(
                action -> {
                  assertThat(names(action)).containsExactlyInAnyOrder("type", "data");
                  assertThat(action.get("type").textValue()).isEqualTo("block-dirty-bitmap-add");
                  assertAddition(action.get("data"));
                });
      }
      case NBD_SERVER_START -> {
        assertThat(names(arguments)).containsExactly("addr");
        assertThat(arguments.at("/addr/type").textValue()).isEqualTo("unix");
        assertThat(names(arguments.at("/addr/data"))).containsExactly("path");
        assertThat(arguments.at("/addr/data/path").textValue()).endsWith("/vmcp.nbd");
      }
      case BLOCK_EXPORT_DEL -> {
        assertThat(names(arguments)).containsExactlyInAnyOrder("id", "mode");
        assertThat(arguments.get("id").textValue()).startsWith("vmcp-flush-");
      }
      case HUMAN_MONITOR_COMMAND -> {
        assertThat(names(arguments)).containsExactly("command-line");
        assertThat(arguments.get("command-line").textValue())
            .matches("qemu-io [A-Za-z#][A-Za-z0-9._-]* \"flush\"");
      }
      case QUERY_NAMED_BLOCK_NODES -> assertThat(arguments.toString()).isEqualTo("{\"flat\":true}");
      default -> assertThat(names(arguments)).isEmpty();
    }
  }

  private static void assertAddition(JsonNode arguments) {
    assertThat(names(arguments))
        .contains("node", "name", "persistent", "disabled")
        .isSubsetOf("node", "name", "persistent", "disabled", "granularity");
    assertOurs(arguments.get("name"));
  }

  private static void assertOurs(JsonNode bitmap) {
    assertThat(bitmap.textValue()).startsWith("vmcp-");
  }

  private static List<String> names(JsonNode object) {
    List<String> names = new ArrayList<>();
    object.fieldNames().forEachRemaining(names::add);
    return names;
  }

  /** A command that was sent. */
  private record Sent(Command command, JsonNode arguments) {}

  /** Nothing in it can be connected to. */
  private static final class NoSockets implements MonitorVolume {
    @Override
    public String monitorSocket() {
      return "qmp.sock";
    }

    @Override
    public SocketChannel connect(String socket) throws IOException {
      throw new IOException("nobody listens");
    }
  }

  /** A machine with two disks, of which the first has a layer below, and an export left behind. */
  private static final class Machine implements Qmp {
    private final String top;
    private final List<Sent> sent = new ArrayList<>();
    private final Map<String, ArrayNode> bitmaps = new LinkedHashMap<>();

    Machine(String node) {
      top = node;
      for (String name : List.of(top, "base", "other")) {
        bitmaps.put(name, JsonNodeFactory.instance.arrayNode());
      }
      show(top, BITMAP + "vda", true);
      show(top, "vmcp-epoch.e0", true);
      show(top, "vmcp-epoch.e1", true);
      show(top, "vmcp-open.e1", false);
      show(top, "foreign", true);
      show("base", BITMAP + "vda", true);
      show("other", BITMAP + "vdb", true);
    }

    List<Sent> sent() {
      return sent;
    }

    private ArrayNode shownOn(String node) {
      return Optional.ofNullable(bitmaps.get(node)).orElseThrow();
    }

    private void show(String node, String name, boolean persistent) {
      shownOn(node)
          .addObject()
          .put("name", name)
          .put("granularity", 65_536)
          .put("count", 0)
          .put("recording", true)
          .put("persistent", persistent)
          .put("busy", false);
    }

    @Override
    public JsonNode execute(Command command, ObjectNode arguments, Duration timeout) {
      sent.add(new Sent(command, arguments.deepCopy()));
      return switch (command) {
        case QUERY_STATUS -> JsonNodeFactory.instance.objectNode().put("status", "running");
        case QUERY_BLOCKSTATS -> devices();
        case QUERY_NAMED_BLOCK_NODES -> nodes();
        case QUERY_JOBS, QUERY_IOTHREADS -> JsonNodeFactory.instance.arrayNode();
        case QUERY_CHARDEV -> chardevs();
        case QUERY_BLOCK_EXPORTS -> exports();
        case HUMAN_MONITOR_COMMAND -> JsonNodeFactory.instance.textNode("");
        case BLOCK_DIRTY_BITMAP_ADD -> {
          add(arguments);
          yield JsonNodeFactory.instance.objectNode();
        }
        case TRANSACTION -> {
          arguments.get("actions").forEach(action -> add(action.get("data")));
          yield JsonNodeFactory.instance.objectNode();
        }
        case BLOCK_DIRTY_BITMAP_REMOVE -> {
          remove(arguments);
          yield JsonNodeFactory.instance.objectNode();
        }
        default -> JsonNodeFactory.instance.objectNode();
      };
    }

    private void add(JsonNode addition) {
      show(
          addition.get("node").textValue(),
          addition.get("name").textValue(),
          addition.get("persistent").booleanValue());
    }

    private void remove(JsonNode removal) {
      ArrayNode shown = shownOn(removal.get("node").textValue());
      for (int i = shown.size() - 1; i >= 0; i--) {
        if (shown.get(i).get("name").equals(removal.get("name"))) {
          shown.remove(i);
        }
      }
    }

    private JsonNode devices() {
      ArrayNode devices = JsonNodeFactory.instance.arrayNode();
      devices
          .addObject()
          .put("qdev", "vda")
          .put("node-name", top)
          .putObject("backing")
          .put("node-name", "base");
      devices.addObject().put("qdev", "vdb").put("node-name", "other");
      return devices;
    }

    private JsonNode nodes() {
      ArrayNode nodes = JsonNodeFactory.instance.arrayNode();
      bitmaps.forEach(
          (name, shown) -> {
            ObjectNode node =
                nodes
                    .addObject()
                    .put("node-name", name)
                    .put("drv", "qcow2")
                    .put("file", "/images/" + name)
                    .put("ro", false);
            node.set("dirty-bitmaps", shown.deepCopy());
            ObjectNode image = node.putObject("image").put("virtual-size", 1 << 20);
            image
                .putObject("format-specific")
                .put("type", "qcow2")
                .putObject("data")
                .put("compat", "1.1");
          });
      return nodes;
    }

    private static JsonNode chardevs() {
      ArrayNode chardevs = JsonNodeFactory.instance.arrayNode();
      chardevs
          .addObject()
          .put("frontend-open", true)
          .put("filename", "unix:/run/qmp.sock,server=on");
      return chardevs;
    }

    private JsonNode exports() {
      ArrayNode exports = JsonNodeFactory.instance.arrayNode();
      exports.addObject().put("id", "foreign").put("node-name", top).put("type", "vhost-user-blk");
      boolean isRemoved = sent.stream().anyMatch(one -> one.command() == Command.BLOCK_EXPORT_DEL);
      if (!isRemoved) {
        exports.addObject().put("id", "vmcp-flush-1").put("node-name", top).put("type", "nbd");
      }
      return exports;
    }

    @Override
    public ExpectedEvent expect(Event event, String id) {
      return _ -> {};
    }

    @Override
    public QemuVersion version() {
      return new QemuVersion(9, 2, 0);
    }
  }
}
