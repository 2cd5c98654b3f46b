package dev.vmcheckpoint.qmp.checkpoint;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.vmcheckpoint.qmp.machine.Disk;
import dev.vmcheckpoint.qmp.machine.Disk.Layer;
import java.util.OptionalLong;

/**
 * A bitmap to be added.
 *
 * @param granularityBytes bytes that one bit stands for; empty leaves the choice to QEMU
 */
record Addition(
    BitmapAt bitmap, boolean persistent, boolean disabled, OptionalLong granularityBytes) {
  /** The coarsest there is, so that a marker costs next to nothing. */
  private static final OptionalLong MARKER_GRANULARITY_BYTES = OptionalLong.of(1L << 31);

  static Addition recording(Disk disk, String name, OptionalLong granularityBytes) {
    return new Addition(at(disk, name), true, false, granularityBytes);
  }

  static Addition epochMarker(Disk disk, String id) {
    return new Addition(at(disk, BitmapNames.epoch(id)), true, true, MARKER_GRANULARITY_BYTES);
  }

  static Addition openMarker(Disk disk, String id) {
    return new Addition(at(disk, BitmapNames.open(id)), false, true, MARKER_GRANULARITY_BYTES);
  }

  static Addition openMarker(Disk disk, Layer layer, String id) {
    return new Addition(
        new BitmapAt(disk.name(), layer.node(), BitmapNames.open(id)),
        false,
        true,
        MARKER_GRANULARITY_BYTES);
  }

  private static BitmapAt at(Disk disk, String name) {
    return new BitmapAt(disk.name(), disk.blockNode(), name);
  }

  /**
   * Arguments of {@code block-dirty-bitmap-add}, which takes 0 as an error and not as a default.
   */
  ObjectNode arguments() {
    ObjectNode arguments =
        JsonNodeFactory.instance
            .objectNode()
            .put("node", bitmap.node())
            .put("name", bitmap.name())
            .put("persistent", persistent)
            .put("disabled", disabled);
    granularityBytes.ifPresent(bytes -> arguments.put("granularity", bytes));
    return arguments;
  }
}
