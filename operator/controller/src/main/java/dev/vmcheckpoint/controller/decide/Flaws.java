package dev.vmcheckpoint.controller.decide;

import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Disk;
import dev.vmcheckpoint.controller.decide.Verdict.Judged;
import dev.vmcheckpoint.node.BitmapObservation;
import java.util.Optional;

/**
 * What speaks against a disk by itself, whatever the history of its image.
 *
 * @param recorded the disk as it is on record
 */
record Flaws(Disk recorded) {

  /** What is wrong with a bitmap; empty where it lists every write and goes on to do so. */
  Optional<Judged> of(BitmapObservation bitmap) {
    if (bitmap.busy()) {
      return Optional.of(
          Verdicts.unknown(recorded, Reason.Busy, "a job or an export uses the bitmap"));
    }
    if (bitmap.inconsistent()) {
      return lost(
          Reason.BitmapInconsistent,
          "the bitmap was still marked in use when QEMU opened the image");
    }
    if (!bitmap.recording()) {
      return lost(Reason.BitmapNotRecording, "the bitmap is disabled");
    }
    if (!bitmap.persistent()) {
      return lost(Reason.BitmapNotPersistent, "the bitmap is not persistent");
    }
    Long granularity = recorded.granularityBytes();
    if (granularity != null && granularity != bitmap.granularityBytes()) {
      return lost(
          Reason.GranularityChanged,
          "the bitmap has granularity %d, recorded is %d"
              .formatted(bitmap.granularityBytes(), granularity));
    }
    return Optional.empty();
  }

  /** A disk that shrank and grew again has an end that no bitmap lists. */
  Optional<Judged> ofSize(long virtualSizeBytes) {
    Long size = recorded.virtualSizeBytes();
    return size != null && virtualSizeBytes < size
        ? lost(
            Reason.Shrunk,
            "the disk has %d bytes, recorded are %d".formatted(virtualSizeBytes, size))
        : Optional.empty();
  }

  /** What a bitmap lists only grows. */
  Optional<Judged> ofCount(BitmapObservation bitmap) {
    Long dirty = recorded.dirtyBytes();
    return dirty != null && bitmap.dirtyBytes() < dirty
        ? lost(
            Reason.Cleared,
            "the bitmap lists %d bytes, it did list %d".formatted(bitmap.dirtyBytes(), dirty))
        : Optional.empty();
  }

  private Optional<Judged> lost(Reason reason, String message) {
    return Optional.of(Verdicts.lost(recorded, reason, message));
  }
}
