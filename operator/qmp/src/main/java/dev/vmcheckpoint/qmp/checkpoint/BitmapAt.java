package dev.vmcheckpoint.qmp.checkpoint;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.vmcheckpoint.qmp.machine.Bitmap;
import dev.vmcheckpoint.qmp.machine.Disk;
import dev.vmcheckpoint.qmp.machine.MachineState;
import java.util.List;
import java.util.Optional;

/**
 * A bitmap on a format node of a disk: the top one, or that of a layer below.
 *
 * @param disk name of the disk, or of one of several that share the node
 */
record BitmapAt(String disk, String node, String name) {
  static BitmapAt of(Disk disk, Bitmap bitmap) {
    return new BitmapAt(disk.name(), disk.blockNode(), bitmap.name());
  }

  /** Arguments of {@code block-dirty-bitmap-remove}. */
  ObjectNode arguments() {
    return JsonNodeFactory.instance.objectNode().put("node", node).put("name", name);
  }

  /** Where a bitmap is, through whatever device it is seen. */
  record Place(String node, String name) {}

  /** Equal for the same bitmap alone. */
  Place place() {
    return new Place(node, name);
  }

  /** Whether this is the same bitmap, if seen through another device. */
  boolean isSameAs(BitmapAt other) {
    return place().equals(other.place());
  }

  /** The bitmap as a look at its machine shows it. */
  Optional<Bitmap> in(MachineState machine) {
    return machine.disks().stream()
        .filter(disk -> disk.blockNode().equals(node))
        .findFirst()
        .flatMap(disk -> find(disk, name));
  }

  /** The bitmap as a disk shows it. */
  static Optional<Bitmap> find(Disk disk, String name) {
    return find(disk.bitmaps(), name);
  }

  /** The bitmap as a layer shows it. */
  static Optional<Bitmap> find(List<Bitmap> layer, String name) {
    return layer.stream().filter(bitmap -> bitmap.name().equals(name)).findFirst();
  }
}
