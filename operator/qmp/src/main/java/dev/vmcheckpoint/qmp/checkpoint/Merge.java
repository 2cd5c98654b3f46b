package dev.vmcheckpoint.qmp.checkpoint;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.BitmapBusy;
import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.MergeImpossible;
import dev.vmcheckpoint.qmp.machine.Bitmap;
import dev.vmcheckpoint.qmp.machine.Disk;
import dev.vmcheckpoint.qmp.machine.Disk.Layer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What lower layers list under a bitmap's name, to be merged into the active image's bitmap. That
 * list is then whole whatever becomes of the layers below, and to repeat it changes nothing.
 *
 * @param sources node names of the lower layers that have the bitmap; never empty, for without
 *     sources QEMU crashes
 */
record Merge(BitmapAt target, List<String> sources) {
  /**
   * Judges whether the merge makes the list whole.
   *
   * @return empty where no lower layer has the bitmap
   * @throws CheckpointException where it does not
   */
  static Optional<Merge> of(Disk disk, String name) {
    Bitmap target =
        BitmapAt.find(disk, name)
            .orElseThrow(
                () ->
                    new MergeImpossible(
                        "the active image of disk %s does not have the bitmap %s"
                            .formatted(disk.name(), name)));
    requireUsable(target, "the active image", disk);
    List<String> sources = new ArrayList<>();
    Optional<Layer> gap = Optional.empty();
    for (Layer layer : disk.backing()) {
      Optional<Bitmap> source = BitmapAt.find(layer.bitmaps(), name);
      if (source.isEmpty()) {
        gap = gap.or(() -> Optional.of(layer));
        continue;
      }
      requireNoGap(gap, layer, name, disk);
      requireUsable(source.get(), "the lower layer " + layer.file(), disk);
      requireSameSize(layer, name, disk);
      sources.add(layer.node());
    }
    return sources.isEmpty()
        ? Optional.empty()
        : Optional.of(new Merge(BitmapAt.of(disk, target), List.copyOf(sources)));
  }

  private static void requireUsable(Bitmap bitmap, String where, Disk disk) {
    if (!OwnBitmaps.isHealthy(bitmap, OptionalLong.empty())) {
      throw new MergeImpossible(
          "the bitmap %s of disk %s on %s does not list every write: %s"
              .formatted(bitmap.name(), disk.name(), where, bitmap));
    }
    if (bitmap.busy()) {
      throw new BitmapBusy(
          "a job or an export uses the bitmap %s of disk %s on %s"
              .formatted(bitmap.name(), disk.name(), where));
    }
  }

  /** What was written while a layer without the bitmap was active is listed nowhere. */
  private static void requireNoGap(Optional<Layer> gap, Layer below, String name, Disk disk) {
    gap.ifPresent(
        layer -> {
          throw new MergeImpossible(
              "the layer %s of disk %s lies above %s, which has the bitmap %s, and does not have it"
                  .formatted(layer.file(), disk.name(), below.file(), name));
        });
  }

  /** QEMU merges bitmaps of one size only. */
  private static void requireSameSize(Layer layer, String name, Disk disk) {
    if (layer.virtualSizeBytes() != disk.virtualSizeBytes()) {
      throw new MergeImpossible(
          "the bitmap %s of disk %s is of %d bytes on the lower layer %s and of %d on the active image"
              .formatted(
                  name,
                  disk.name(),
                  layer.virtualSizeBytes(),
                  layer.file(),
                  disk.virtualSizeBytes()));
    }
  }

  /** Arguments of {@code block-dirty-bitmap-merge}. */
  ObjectNode arguments() {
    ObjectNode arguments = JsonNodeFactory.instance.objectNode();
    arguments.put("node", target.node()).put("target", target.name());
    ArrayNode bitmaps = arguments.putArray("bitmaps");
    sources.forEach(source -> bitmaps.addObject().put("node", source).put("name", target.name()));
    return arguments;
  }
}
