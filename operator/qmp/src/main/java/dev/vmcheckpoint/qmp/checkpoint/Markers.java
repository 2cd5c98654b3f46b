package dev.vmcheckpoint.qmp.checkpoint;

import dev.vmcheckpoint.qmp.machine.Bitmap;
import dev.vmcheckpoint.qmp.machine.Disk;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The markers of openings of images: where the transient one of a node is missing, its image is in
 * an opening that was not marked yet.
 */
final class Markers {
  private Markers() {}

  /**
   * What has to be added so that the openings of all the disks' images are marked. The persistent
   * marker of a node comes before its transient one, so that the transient one is never there
   * alone.
   */
  static List<Addition> missing(List<Disk> disks, Ids ids) {
    Set<String> nodes = new HashSet<>();
    List<Addition> missing = new ArrayList<>();
    for (Disk disk : disks) {
      if (!nodes.add(disk.blockNode())) {
        continue;
      }
      Optional<String> open = openId(disk);
      String id = open.orElseGet(ids::epoch);
      if (BitmapAt.find(disk, BitmapNames.epoch(id)).isEmpty()) {
        missing.add(Addition.epochMarker(disk, id));
      }
      if (open.isEmpty()) {
        missing.add(Addition.openMarker(disk, id));
      }
    }
    return missing;
  }

  /** The id of a disk's present opening; empty where not both markers are there. */
  static Optional<String> epoch(Disk disk) {
    return openId(disk).filter(id -> BitmapAt.find(disk, BitmapNames.epoch(id)).isPresent());
  }

  private static Optional<String> openId(Disk disk) {
    return disk.bitmaps().stream()
        .map(Bitmap::name)
        .map(BitmapNames::openId)
        .flatMap(Optional::stream)
        .findFirst();
  }
}
