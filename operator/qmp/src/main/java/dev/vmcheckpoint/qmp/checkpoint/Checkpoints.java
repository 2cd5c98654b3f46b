package dev.vmcheckpoint.qmp.checkpoint;

import dev.vmcheckpoint.qmp.Deadline;
import dev.vmcheckpoint.qmp.Qmp;
import dev.vmcheckpoint.qmp.QmpException;
import dev.vmcheckpoint.qmp.Timeouts;
import dev.vmcheckpoint.qmp.flush.Flusher;
import java.util.List;
import java.util.OptionalLong;

/**
 * Creates and removes the checkpoints of one machine. Nobody else may change the machine's bitmaps
 * of this library meanwhile: the caller holds the machine's monitor and admits one operation at a
 * time.
 */
public final class Checkpoints {
  public Checkpoints(Qmp qmp, Flusher flusher, Timeouts timeouts) {}

  /**
   * Makes sure that each of the disks has the checkpoint's bitmap, all or none: takes over a
   * complete and healthy earlier try, or removes what an incomplete one left and adds anew.
   *
   * @param disks names of the disks, each once
   * @param granularityBytes bytes that one bit stands for, a power of two from 512 to 2 GiB; empty
   *     leaves the choice to QEMU
   * @param deadline after it nothing new is started, but for taking back what this call began
   * @throws CheckpointException where the checkpoint is not there
   * @throws QmpException where QEMU gave no usable answer before anything was changed
   */
  public Ensured ensure(
      CheckpointUid checkpoint,
      List<String> disks,
      OptionalLong granularityBytes,
      Barrier barrier,
      Deadline deadline) {
    if (!deadline.passed()) {
      throw new UnsupportedOperationException();
    }
    throw new CheckpointException.DeadlineExceeded("the deadline passed before anything was begun");
  }

  /**
   * Removes the checkpoint's bitmaps from the active, writable layers of every disk, and with the
   * last checkpoint of an image its markers.
   *
   * @param deadline after it nothing new is started
   * @throws CheckpointException where bitmaps are left
   * @throws QmpException where QEMU gave no usable answer before anything was changed
   */
  public Removal remove(CheckpointUid checkpoint, Deadline deadline) {
    if (!deadline.passed()) {
      throw new UnsupportedOperationException();
    }
    throw new CheckpointException.DeadlineExceeded("the deadline passed before anything was begun");
  }
}
