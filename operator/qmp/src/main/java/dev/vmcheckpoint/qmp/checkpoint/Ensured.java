package dev.vmcheckpoint.qmp.checkpoint;

import dev.vmcheckpoint.qmp.machine.Image;
import java.util.List;

/**
 * A checkpoint that is there, by a query that came after the last change.
 *
 * @param disks one entry for each disk asked for, in that order
 * @param adopted whether a complete earlier try was taken over, rather than bitmaps added
 * @param flushed whether each disk was flushed after the add
 */
public record Ensured(List<CheckpointDisk> disks, boolean adopted, boolean flushed) {
  public Ensured {
    disks = List.copyOf(disks);
  }

  /**
   * One disk of the checkpoint.
   *
   * @param name the device's id
   * @param bitmap the bitmap's name
   * @param epoch id of the markers of this opening of the image
   * @param blockNode node name of the top format node at that moment
   * @param image what the disk is stored in
   * @param virtualSizeBytes size that the guest sees, in bytes
   * @param granularityBytes bytes that one bit stands for
   * @param dirtyBytes bytes already listed as changed
   */
  public record CheckpointDisk(
      String name,
      String bitmap,
      String epoch,
      String blockNode,
      Image image,
      long virtualSizeBytes,
      long granularityBytes,
      long dirtyBytes) {}
}
