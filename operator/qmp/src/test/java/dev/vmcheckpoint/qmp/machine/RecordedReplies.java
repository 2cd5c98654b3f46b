package dev.vmcheckpoint.qmp.machine;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.vmcheckpoint.qmp.Reply;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Objects;

/**
 * What QEMU 7.2 answered of a machine with three devices, without the figures: {@code vda} has a
 * copy-on-read and a throttle filter on a qcow2 image with a backing file; {@code ua-vdb} is a
 * legacy {@code -drive}; {@code cd0} is an empty CD-ROM drive. Tests change a copy.
 */
record RecordedReplies(JsonNode json) {
  static RecordedReplies read() {
    try (var in = RecordedReplies.class.getResourceAsStream("filters-drive-cdrom.json")) {
      return new RecordedReplies(new ObjectMapper().readTree(Objects.requireNonNull(in)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The node of the given name in the reply to query-named-block-nodes. */
  ObjectNode node(String name) {
    for (JsonNode info : json.path("query-named-block-nodes")) {
      if (info.path("node-name").asText().equals(name)) {
        return (ObjectNode) info;
      }
    }
    throw new AssertionError("no node " + name);
  }

  /** A device's entry in the reply to a query of block devices. */
  ObjectNode device(String query, String qdev) {
    for (JsonNode device : json.path(query)) {
      if (device.path("qdev").asText().equals(qdev)) {
        return (ObjectNode) device;
      }
    }
    throw new AssertionError("no device " + qdev);
  }

  List<Disk> disks() throws BlockGraph.ContradictoryException {
    return new BlockGraph(reply("query-blockstats"), reply("query-named-block-nodes")).disks();
  }

  Disk disk(String name) throws BlockGraph.ContradictoryException {
    return disks().stream().filter(disk -> disk.name().equals(name)).findFirst().orElseThrow();
  }

  private Reply reply(String query) {
    return new Reply(query, json.path(query));
  }
}
