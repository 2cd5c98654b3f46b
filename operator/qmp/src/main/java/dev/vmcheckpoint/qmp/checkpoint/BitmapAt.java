package dev.vmcheckpoint.qmp.checkpoint;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.vmcheckpoint.qmp.machine.Bitmap;
import dev.vmcheckpoint.qmp.machine.Disk;
import java.util.Optional;

/**
 * A bitmap on the top format node of a disk.
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

  /** Whether this is the same bitmap, if seen through another device. */
  boolean isSameAs(BitmapAt other) {
    return node.equals(other.node) && name.equals(other.name);
  }

  /** The bitmap as a disk shows it. */
  static Optional<Bitmap> find(Disk disk, String name) {
    return disk.bitmaps().stream().filter(bitmap -> bitmap.name().equals(name)).findFirst();
  }
}
