package dev.vmcheckpoint.qmp.checkpoint;

import dev.vmcheckpoint.qmp.Deadline;
import dev.vmcheckpoint.qmp.Qmp;
import dev.vmcheckpoint.qmp.QmpException;
import dev.vmcheckpoint.qmp.Timeouts;
import dev.vmcheckpoint.qmp.flush.Flusher;
import dev.vmcheckpoint.qmp.machine.Disk;
import dev.vmcheckpoint.qmp.machine.MachineState;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Predicate;

/**
 * Creates, keeps and removes the checkpoints of one machine. Nobody else may change the machine's
 * bitmaps of this library meanwhile: the caller holds the machine's monitor and admits one
 * operation at a time.
 *
 * <p>All operations look first, so that each can be repeated until it succeeds, and answer from a
 * look after the last change. A command whose outcome is unknown is not sent again.
 */
public final class Checkpoints {
  private final Qmp qmp;
  private final Flusher flusher;
  private final Timeouts timeouts;
  private final Ids ids = new Ids();

  public Checkpoints(Qmp qmp, Flusher flusher, Timeouts timeouts) {
    this.qmp = qmp;
    this.flusher = flusher;
    this.timeouts = timeouts;
  }

  /**
   * Makes sure that each of the disks has the checkpoint's bitmap, all or none: takes over a
   * complete and healthy earlier try, or removes what an incomplete one left and adds anew.
   *
   * @param disks names of the disks, each once
   * @param isAsKnown whether the checkpoint has the bitmaps that the caller knows of: others are
   *     neither removed nor added to
   * @param granularityBytes bytes that one bit stands for, a power of two from 512 to 2 GiB; empty
   *     leaves the choice to QEMU
   * @param deadline after it nothing new is started, but for taking back what this call began
   * @throws IllegalArgumentException where the arguments are not as said
   * @throws CheckpointException where the checkpoint is not there, or not flushed
   * @throws QmpException where QEMU gave no usable answer before anything was changed
   */
  public Ensured ensure(
      CheckpointUid checkpoint,
      List<String> disks,
      Predicate<MachineState> isAsKnown,
      OptionalLong granularityBytes,
      Barrier barrier,
      Deadline deadline) {
    requireDisks(disks);
    granularityBytes.ifPresent(Checkpoints::requireGranularity);
    Changes changes = new Changes(qmp, timeouts, deadline);
    return new Creation(
            checkpoint, disks, isAsKnown, granularityBytes, barrier, changes, flusher, ids)
        .run();
  }

  private static void requireDisks(List<String> disks) {
    if (disks.isEmpty() || new HashSet<>(disks).size() != disks.size()) {
      throw new IllegalArgumentException(
          "at least one disk, and each once, not %s".formatted(disks));
    }
  }

  private static void requireGranularity(long bytes) {
    if (Long.bitCount(bytes) != 1 || bytes < 512 || bytes > 1L << 31) {
      throw new IllegalArgumentException(
          "a granularity is a power of two from 512 to 2147483648 bytes, not %d".formatted(bytes));
    }
  }

  /**
   * Removes the checkpoint's bitmaps from the active, writable layers of every disk, and with the
   * last checkpoint of an image its markers. Bitmaps in other layers are only reported: to reopen
   * an image for writing would put every other checkpoint in it at risk.
   *
   * @param deadline after it nothing new is started
   * @throws CheckpointException where bitmaps are left
   * @throws QmpException where QEMU gave no usable answer before anything was changed
   */
  public Removal remove(CheckpointUid checkpoint, Deadline deadline) {
    return new Deletion(checkpoint, Optional.empty(), new Changes(qmp, timeouts, deadline)).run();
  }

  /**
   * Removes one bitmap of the checkpoint, as {@link #remove(CheckpointUid, Deadline)} removes all.
   *
   * @param bitmap its name
   * @throws IllegalArgumentException where the name is none of a bitmap of that checkpoint
   */
  public Removal remove(CheckpointUid checkpoint, String bitmap, Deadline deadline) {
    if (!BitmapNames.isOf(checkpoint, bitmap)) {
      throw new IllegalArgumentException(
          "the bitmap %s is not of checkpoint %s".formatted(bitmap, checkpoint));
    }
    return new Deletion(checkpoint, Optional.of(bitmap), new Changes(qmp, timeouts, deadline))
        .run();
  }

  /**
   * Carries what is on record for some disks over to the present opening of their images: marks the
   * opening where it is not marked yet, brings up to date bitmaps that an overlay carried along,
   * flushes where that is asked for, and removes markers that were replaced. Everything is judged
   * before anything is changed.
   *
   * @param renewals one for each disk, at least one
   * @param deadline after it nothing new is started
   * @return the disks after the last change, in the order of the renewals
   * @throws IllegalArgumentException where the arguments are not as said
   * @throws CheckpointException where not everything is done; what was done does no harm
   * @throws QmpException where QEMU gave no usable answer before anything was changed
   */
  public List<Disk> renew(List<Renewal> renewals, Deadline deadline) {
    List<String> disks = renewals.stream().map(Renewal::disk).toList();
    requireDisks(disks);
    return new EpochRenewal(renewals, new Changes(qmp, timeouts, deadline), flusher, ids).run();
  }
}
