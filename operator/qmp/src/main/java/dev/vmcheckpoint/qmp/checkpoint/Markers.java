package dev.vmcheckpoint.qmp.checkpoint;

import dev.vmcheckpoint.qmp.machine.Bitmap;
import dev.vmcheckpoint.qmp.machine.Disk;
import dev.vmcheckpoint.qmp.machine.Disk.Layer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The markers of openings of images: where the transient one of a node is missing, its image is in
 * an opening that was not marked yet.
 *
 * <p>The persistent one is to be in no image before QEMU closes it: an image that has it is then as
 * it was at the end of the opening. QEMU also stores it when it makes the image read-only, as below
 * an overlay, or gives it up to a migration. A copy that is made then has the marker and lacks what
 * is written after that: so another opening is marked as soon as this is seen.
 *
 * <p>A lower layer that has checkpoints' bitmaps gets the transient marker of the opening of the
 * image on top. It tells, when all above was committed into the layer, that this was not closed
 * since, and so that nothing was thrown away.
 */
final class Markers {
  private static final int MOST_OF_OTHERS = 8;

  private Markers() {}

  /**
   * What has to be added so that the openings of all the disks' images are marked. The transient
   * marker of a node comes last, so that it is never there alone.
   */
  static List<Addition> missing(List<Disk> disks, Ids ids) {
    Set<String> nodes = new HashSet<>();
    Set<String> lower = new HashSet<>();
    List<Addition> missing = new ArrayList<>();
    for (Disk disk : disks) {
      if (!nodes.add(disk.blockNode())) {
        continue;
      }
      Optional<String> open = openId(disk);
      String id = open.orElseGet(ids::epoch);
      if (open.isEmpty()) {
        missing.add(Addition.epochMarker(disk, id));
      }
      layersWithCheckpoints(disk)
          .filter(layer -> lower.add(layer.node()) && !isOpen(layer.bitmaps(), id))
          .forEach(layer -> missing.add(Addition.openMarker(disk, layer, id)));
      if (open.isEmpty()) {
        missing.add(Addition.openMarker(disk, id));
      }
    }
    return missing;
  }

  private static Stream<Layer> layersWithCheckpoints(Disk disk) {
    return disk.backing().stream()
        .filter(
            layer ->
                layer.bitmaps().stream().map(Bitmap::name).anyMatch(BitmapNames::isOfACheckpoint));
  }

  /**
   * The transient markers that lower layers have of openings of other images than the one on top
   * now. The newest are left, which QEMU lists first: not every checkpoint may have been recorded
   * anew since.
   *
   * @param recorded what the record relies on
   */
  static List<BitmapAt> tooManyBelow(Disk disk, Set<String> recorded) {
    return disk.backing().stream().flatMap(layer -> tooMany(disk, layer, recorded)).toList();
  }

  private static Stream<BitmapAt> tooMany(Disk disk, Layer layer, Set<String> recorded) {
    Optional<String> open = openId(disk);
    Set<String> names = layer.bitmaps().stream().map(Bitmap::name).collect(Collectors.toSet());
    return openIds(layer.bitmaps())
        .filter(id -> !open.equals(Optional.of(id)))
        .filter(id -> !names.contains(BitmapNames.epoch(id)))
        .skip(MOST_OF_OTHERS)
        .filter(id -> !recorded.contains(id))
        .map(id -> new BitmapAt(disk.name(), layer.node(), BitmapNames.open(id)));
  }

  /** Whether a layer has the persistent marker of an opening, and it says what it seems to. */
  static boolean isConsistent(List<Bitmap> layer, String id) {
    return BitmapAt.find(layer, BitmapNames.epoch(id))
        .filter(marker -> !marker.inconsistent())
        .isPresent();
  }

  /** Whether a layer has not been closed since it got the transient marker of an opening. */
  static boolean isOpen(List<Bitmap> layer, String id) {
    return BitmapAt.find(layer, BitmapNames.open(id)).isPresent();
  }

  /**
   * The id of a disk's present opening; empty where it is not marked, or where its image may have
   * been copied with the marker since.
   */
  static Optional<String> openId(Disk disk) {
    Set<String> ofThisOpening =
        disk.bitmaps().stream()
            .filter(bitmap -> !bitmap.stored() && !bitmap.inconsistent())
            .map(Bitmap::name)
            .collect(Collectors.toSet());
    return openIds(disk.bitmaps())
        .filter(id -> ofThisOpening.contains(BitmapNames.epoch(id)))
        .findFirst();
  }

  private static Stream<String> openIds(List<Bitmap> layer) {
    return layer.stream().map(Bitmap::name).map(BitmapNames::openId).flatMap(Optional::stream);
  }
}
