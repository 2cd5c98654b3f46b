package dev.vmcheckpoint.controller.decide;

import dev.vmcheckpoint.node.BitmapObservation;
import dev.vmcheckpoint.node.DiskObservation;
import java.util.List;

/**
 * How many checkpoints a disk may have: each holds memory of its QEMU, 2 MiB per TiB at 64 KiB.
 * Checkpoints that are made at the same time may come to a few more.
 *
 * @param mostPerDisk from 1 on
 */
public record CheckpointLimit(int mostPerDisk) {
  /**
   * Whether a disk has so many that it can have no further one. What an earlier try has made there
   * for this one is there anyway.
   */
  boolean isReachedOn(DiskObservation disk, Checkpoint checkpoint) {
    List<String> names = disk.bitmaps().stream().map(BitmapObservation::name).toList();
    return names.stream().noneMatch(checkpoint::owns)
        && names.stream()
                .filter(name -> !Markers.isMarker(name))
                .map(CheckpointLimit::owner)
                .distinct()
                .count()
            >= mostPerDisk;
  }

  /** {@code vmcp-<checkpoint UID>.<attempt>.<disk>} */
  private static String owner(String bitmap) {
    int end = bitmap.indexOf('.');
    return end < 0 ? bitmap : bitmap.substring(0, end);
  }
}
