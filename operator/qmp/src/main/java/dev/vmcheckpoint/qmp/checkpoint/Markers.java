package dev.vmcheckpoint.qmp.checkpoint;

import dev.vmcheckpoint.qmp.machine.Bitmap;
import dev.vmcheckpoint.qmp.machine.Disk;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The markers of the openings of some nodes: a node whose transient marker is missing is in an
 * opening that was not marked yet.
 *
 * @param idByNode the id of each node's present opening
 * @param missing what has to be added, the persistent marker of a node before its transient one, so
 *     that the transient one is never there alone
 */
record Markers(Map<String, String> idByNode, List<Addition> missing) {
  static Markers of(List<Disk> disks, Ids ids) {
    Map<String, String> idByNode = new HashMap<>();
    List<Addition> missing = new ArrayList<>();
    for (Disk disk : disks) {
      if (idByNode.containsKey(disk.blockNode())) {
        continue;
      }
      Optional<String> open = openId(disk);
      String id = open.orElseGet(ids::epoch);
      idByNode.put(disk.blockNode(), id);
      if (BitmapAt.find(disk, BitmapNames.epoch(id)).isEmpty()) {
        missing.add(Addition.epochMarker(disk, id));
      }
      if (open.isEmpty()) {
        missing.add(Addition.openMarker(disk, id));
      }
    }
    return new Markers(Map.copyOf(idByNode), List.copyOf(missing));
  }

  /** The id of a disk's present opening; empty where both markers are not there. */
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
