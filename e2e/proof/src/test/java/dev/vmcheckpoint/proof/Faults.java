package dev.vmcheckpoint.proof;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.vmcheckpoint.proof.fixture.Fault;
import dev.vmcheckpoint.proof.fixture.Monitor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Ways to break the system that have to be noticed. */
final class Faults {
  private static final String QUERY = "query-named-block-nodes";
  private static final String ADD = "block-dirty-bitmap-add";
  private static final Pattern OF_A_CHECKPOINT =
      Pattern.compile("(?<checkpoint>vmcp-[0-9a-f-]{36}[.])[0-9a-z]+(?<disk>[.].+)");

  private Faults() {}

  /** Everything is passed on as it is. */
  static Fault none() {
    return new Fault() {};
  }

  /** Ready without a flush. */
  static Fault noFlush() {
    return new Fault() {
      @Override
      public Optional<JsonNode> answer(ObjectNode command) {
        return isFlush(command)
            ? Optional.of(JsonNodeFactory.instance.textNode(""))
            : Optional.empty();
      }
    };
  }

  /** No flush but the first one. */
  static Fault noSecondFlush() {
    return new Fault() {
      private final Fault noFlush = noFlush();
      private boolean flushed;

      @Override
      public Optional<JsonNode> answer(ObjectNode command) {
        boolean isFirst = isFlush(command) && !flushed;
        flushed |= isFirst;
        return isFirst ? Optional.empty() : noFlush.answer(command);
      }
    };
  }

  private static boolean isFlush(ObjectNode command) {
    return command.path("execute").asText().equals("human-monitor-command")
        && command.path("arguments").path("command-line").asText().contains("flush");
  }

  /** A bitmap that is disabled is taken for one that records. */
  static Fault ignoreRecording() {
    return onBitmaps((_, bitmap) -> bitmap.put("recording", true));
  }

  /** A bitmap that was in use when QEMU died is taken for a good one. */
  static Fault ignoreInconsistent() {
    return onBitmaps(
        (_, bitmap) -> {
          bitmap.remove("inconsistent");
          bitmap.put("recording", true);
        });
  }

  /** What an image lists while QEMU has it open is not asked for. */
  static Fault ignoreStored() {
    return new Fault() {
      @Override
      public void change(ObjectNode command, JsonNode result, Monitor qemu) {
        if (command.path("execute").asText().equals(QUERY)) {
          for (JsonNode node : result) {
            if (node.at("/image/format-specific/data") instanceof ObjectNode data) {
              data.remove("bitmaps");
            }
          }
        }
      }
    };
  }

  private static Fault onBitmaps(BiConsumer<JsonNode, ObjectNode> change) {
    return new Fault() {
      @Override
      public void change(ObjectNode command, JsonNode result, Monitor qemu) {
        if (command.path("execute").asText().equals(QUERY)) {
          for (JsonNode node : result) {
            node.path("dirty-bitmaps").forEach(info -> change.accept(node, (ObjectNode) info));
          }
        }
      }
    };
  }

  /** A bitmap that is missing is made anew. */
  static Fault addAgain() {
    return new Fault() {
      private final Map<String, ObjectNode> made = new LinkedHashMap<>();

      @Override
      public Optional<JsonNode> answer(ObjectNode command) {
        additions(command).stream()
            .filter(bitmap -> !isMarker(bitmap.path("name").asText()))
            .forEach(bitmap -> made.put(bitmap.path("name").asText(), bitmap));
        return Optional.empty();
      }

      @Override
      public void change(ObjectNode command, JsonNode result, Monitor qemu) {
        if (command.path("execute").asText().equals(QUERY)) {
          made.values().stream()
              .filter(bitmap -> isMissing(result, bitmap))
              .forEach(
                  bitmap -> {
                    qemu.execute(ADD, bitmap.toString());
                    show(result, bitmap);
                  });
        }
      }
    };
  }

  /** No opening of an image is told from another: the markers of the first are always there. */
  static Fault noEpoch() {
    return new Fault() {
      private final Map<String, ObjectNode> markers = new LinkedHashMap<>();

      @Override
      public Optional<JsonNode> answer(ObjectNode command) {
        additions(command).stream()
            .filter(bitmap -> isMarker(bitmap.path("name").asText()))
            .forEach(bitmap -> markers.put(bitmap.path("name").asText(), bitmap));
        return Optional.empty();
      }

      @Override
      public void change(ObjectNode command, JsonNode result, Monitor qemu) {
        if (command.path("execute").asText().equals(QUERY)) {
          markers.values().stream()
              .filter(bitmap -> isMissing(result, bitmap))
              .forEach(bitmap -> show(result, bitmap));
        }
      }
    };
  }

  /** No creation is told from another: the bitmaps of all have the names that the first gave. */
  static Fault forgetTheAttempt() {
    Map<String, String> first = new LinkedHashMap<>();
    return onBitmaps(
        (_, bitmap) -> {
          Matcher name = OF_A_CHECKPOINT.matcher(bitmap.path("name").asText());
          if (name.matches()) {
            bitmap.put(
                "name",
                first.computeIfAbsent(
                    name.group("checkpoint") + name.group("disk"), _ -> name.group()));
          }
        });
  }

  /** What was asked for is taken for done. */
  static Fault trustTheReply() {
    return new Fault() {
      private final Map<String, ObjectNode> asked = new LinkedHashMap<>();

      @Override
      public Optional<JsonNode> answer(ObjectNode command) {
        List<ObjectNode> additions = additions(command);
        additions.forEach(bitmap -> asked.put(bitmap.path("name").asText(), bitmap));
        return additions.isEmpty()
            ? Optional.empty()
            : Optional.of(JsonNodeFactory.instance.objectNode());
      }

      @Override
      public void change(ObjectNode command, JsonNode result, Monitor qemu) {
        if (command.path("execute").asText().equals(QUERY)) {
          asked.values().forEach(bitmap -> show(result, bitmap));
        }
      }
    };
  }

  private static boolean isMarker(String name) {
    return name.startsWith("vmcp-epoch.") || name.startsWith("vmcp-open.");
  }

  /** The arguments of each bitmap that a command adds. */
  private static List<ObjectNode> additions(ObjectNode command) {
    List<ObjectNode> additions = new ArrayList<>();
    JsonNode arguments = command.path("arguments");
    if (command.path("execute").asText().equals(ADD)) {
      additions.add((ObjectNode) arguments);
    }
    for (JsonNode action : arguments.path("actions")) {
      if (action.path("type").asText().equals(ADD)) {
        additions.add((ObjectNode) action.path("data"));
      }
    }
    return additions;
  }

  private static boolean isMissing(JsonNode result, ObjectNode bitmap) {
    for (JsonNode node : result) {
      if (node.path("node-name").equals(bitmap.path("node"))) {
        return !node.path("dirty-bitmaps")
            .findValuesAsText("name")
            .contains(bitmap.path("name").asText());
      }
    }
    return false;
  }

  /** Shows a bitmap as if it had just been added. */
  private static void show(JsonNode result, ObjectNode bitmap) {
    for (JsonNode node : result) {
      if (node.path("node-name").equals(bitmap.path("node"))) {
        ((ObjectNode) node)
            .withArray("dirty-bitmaps")
            .addObject()
            .put("name", bitmap.path("name").asText())
            .put("granularity", bitmap.path("granularity").asLong(Volume.CLUSTER_BYTES))
            .put("recording", !bitmap.path("disabled").asBoolean())
            .put("persistent", bitmap.path("persistent").asBoolean())
            .put("busy", false)
            .put("count", 0);
      }
    }
  }

  /** What was seen once is taken for what is there. */
  static Fault trustTheMemory() {
    return new Fault() {
      private final Map<String, JsonNode> seen = new LinkedHashMap<>();

      @Override
      public void change(ObjectNode command, JsonNode result, Monitor qemu) {
        if (command.path("execute").asText().equals(QUERY)) {
          for (JsonNode node : result) {
            remember((ObjectNode) node);
          }
        }
      }

      private void remember(ObjectNode node) {
        String name = node.path("node-name").asText();
        if (node.path("dirty-bitmaps").toString().contains("vmcp-") && !seen.containsKey(name)) {
          seen.put(name, node.get("dirty-bitmaps").deepCopy());
        } else if (seen.containsKey(name)) {
          node.set("dirty-bitmaps", seen.get(name));
        }
      }
    };
  }
}
