package dev.vmcheckpoint.controller.decide;

import dev.vmcheckpoint.api.DiskState;
import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Disk;
import dev.vmcheckpoint.controller.decide.Observation.Seen;
import dev.vmcheckpoint.node.BitmapObservation;
import dev.vmcheckpoint.node.DiskObservation;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * Of two bitmaps that record on one node, the older one lists at least what the younger one lists,
 * if they are of one granularity. QEMU counts both at one moment, so an older one that lists less
 * was cleared, even if it lists more than it did at the last look.
 *
 * @param checkpoint the checkpoint that is judged
 * @param seen the look
 * @param others the disks of every checkpoint of the machine
 */
record Supersets(Checkpoint checkpoint, Seen seen, List<OnRecord> others) {
  /** Clocks of different computers that differ by less do not make an older one the younger. */
  private static final Duration CLOCKS_DIFFER_BY = Duration.ofMinutes(1);

  /**
   * Judges a disk once more.
   *
   * @param judged the disk as this look alone shows it
   */
  Disk judge(Disk judged) {
    Instant established = checkpoint.status().creationTime();
    if (established == null || !isAsOnRecord(judged)) {
      return judged;
    }
    Instant surelyLater = established.plus(CLOCKS_DIFFER_BY);
    return device(judged).flatMap(device -> cleared(judged, device, surelyLater)).orElse(judged);
  }

  /** What has come into another opening or image just now may not be whole everywhere yet. */
  private boolean isAsOnRecord(Disk judged) {
    return judged.state() == DiskState.Recording
        && judged.epoch() != null
        && checkpoint.status().disks().stream()
            .anyMatch(
                before ->
                    before.name().equals(judged.name())
                        && before.state() == DiskState.Recording
                        && Objects.equals(before.epoch(), judged.epoch())
                        && Objects.equals(before.image(), judged.image()));
  }

  private Optional<DiskObservation> device(Disk judged) {
    return seen.machine().disks().stream()
        .filter(device -> device.name().equals(judged.name()))
        .findFirst();
  }

  private Optional<Disk> cleared(Disk judged, DiskObservation device, Instant surelyLater) {
    Optional<BitmapObservation> own = bitmap(judged, device);
    return others.stream()
        .filter(other -> other.created().isAfter(surelyLater))
        .filter(other -> isBeside(judged, other))
        .flatMap(other -> bitmap(other.disk(), device).stream())
        .filter(younger -> own.filter(older -> listsLess(older, younger)).isPresent())
        .findFirst()
        .map(
            younger ->
                Verdicts.lost(
                        judged,
                        Reason.Cleared,
                        "the bitmap lists fewer bytes than the %d of the younger %s"
                            .formatted(younger.dirtyBytes(), younger.name()))
                    .disk());
  }

  private boolean isBeside(Disk judged, OnRecord other) {
    Disk disk = other.disk();
    Optional<String> own = attempt(checkpoint.uid(), judged);
    Optional<String> others = attempt(other.checkpoint(), disk);
    return other.machine().equals(checkpoint.machineName())
        && disk.name().equals(judged.name())
        && disk.state() == DiskState.Recording
        && Objects.equals(disk.epoch(), judged.epoch())
        && Objects.equals(disk.image(), judged.image())
        && own.isPresent()
        && others.filter(attempt -> attempt.compareTo(own.get()) > 0).isPresent();
  }

  /** What tells the bitmaps of one creation from others; a later one on one node is greater. */
  private static Optional<String> attempt(String uid, Disk disk) {
    String prefix = "vmcp-%s.".formatted(uid);
    return Optional.ofNullable(disk.bitmap())
        .filter(name -> name.startsWith(prefix))
        .map(name -> name.substring(prefix.length()));
  }

  private static Optional<BitmapObservation> bitmap(Disk disk, DiskObservation device) {
    return device.bitmaps().stream()
        .filter(bitmap -> bitmap.name().equals(disk.bitmap()))
        .filter(bitmap -> bitmap.recording() && bitmap.persistent())
        .filter(bitmap -> !bitmap.inconsistent() && !bitmap.busy())
        .findFirst();
  }

  private static boolean listsLess(BitmapObservation older, BitmapObservation younger) {
    return older.granularityBytes() == younger.granularityBytes()
        && older.dirtyBytes() < younger.dirtyBytes();
  }
}
