package dev.vmcheckpoint.qmp.checkpoint;

import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.OutcomeUnknown;
import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.Outdated;
import dev.vmcheckpoint.qmp.checkpoint.Ensured.CheckpointDisk;
import dev.vmcheckpoint.qmp.flush.Flusher;
import dev.vmcheckpoint.qmp.machine.Bitmap;
import dev.vmcheckpoint.qmp.machine.Disk;
import dev.vmcheckpoint.qmp.machine.MachineState;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Predicate;

/** One run of {@link Checkpoints#ensure}. */
record Creation(
    CheckpointUid checkpoint,
    List<String> diskNames,
    Predicate<MachineState> isAsKnown,
    OptionalLong granularityBytes,
    Barrier barrier,
    Changes changes,
    Flusher flusher,
    Ids ids) {
  Ensured run() {
    OwnBitmaps before = new OwnBitmaps(checkpoint, changes.lookBefore());
    List<Disk> disks = EligibleDisks.named(diskNames, before.machine());
    Optional<String> complete = before.completeAttempt(disks, granularityBytes);
    // What came since may be what somebody relies on by now.
    boolean isAsKnown = this.isAsKnown.test(before.machine());
    if (complete.isEmpty() && !isAsKnown) {
      throw new Outdated(
          "checkpoint %s has other bitmaps than it had when this was decided"
              .formatted(checkpoint));
    }
    if (isAsKnown) {
      changes.remove(before.machine(), leftovers(before, disks, complete));
    }
    String attempt = complete.orElseGet(ids::attempt);
    if (complete.isPresent()) {
      changes.addOneByOne(Markers.missing(disks, ids));
    } else {
      add(before, disks, attempt);
    }
    changes.requireGuestStill();
    if (barrier == Barrier.FLUSH) {
      changes.flush(disks, flusher);
    }
    return answer(disks, attempt, complete.isPresent());
  }

  /** All of the checkpoint but what is taken over. */
  private static List<BitmapAt> leftovers(
      OwnBitmaps seen, List<Disk> disks, Optional<String> complete) {
    Set<BitmapAt> kept = new HashSet<>();
    complete.ifPresent(
        attempt ->
            disks.forEach(
                disk ->
                    kept.add(
                        new BitmapAt(disk.name(), disk.blockNode(), seen.nameOn(disk, attempt)))));
    return seen.removable().stream()
        .filter(bitmap -> kept.stream().noneMatch(bitmap::isSameAs))
        .toList();
  }

  private void add(OwnBitmaps before, List<Disk> disks, String attempt) {
    // Markers first: bitmaps without them are not worth having, and markers alone do no harm.
    List<Addition> additions = new ArrayList<>(Markers.missing(disks, ids));
    for (Disk disk : disks) {
      additions.add(Addition.recording(disk, before.nameOn(disk, attempt), granularityBytes));
    }
    if (barrier == Barrier.FLUSH && disks.size() > 1) {
      changes.addAtOnce(additions);
    } else {
      changes.addOneByOne(additions);
    }
  }

  /** Where layers were taken out of a chain meanwhile, the flush may have come too early. */
  private Ensured answer(List<Disk> before, String attempt, boolean adopted) {
    OwnBitmaps after = new OwnBitmaps(checkpoint, changes.lookAfter());
    List<CheckpointDisk> answer = new ArrayList<>();
    for (Disk flushed : before) {
      answer.add(
          after
              .machine()
              .disk(flushed.name())
              .filter(disk -> disk.image().equals(flushed.image()))
              .flatMap(disk -> answer(disk, after.nameOn(disk, attempt)))
              .orElseThrow(
                  () ->
                      new OutcomeUnknown(
                          "QEMU accepted the bitmap of disk %s, and then did not show it whole, or not on the same image and layers"
                              .formatted(flushed.name()))));
    }
    return new Ensured(answer, adopted, barrier == Barrier.FLUSH);
  }

  private Optional<CheckpointDisk> answer(Disk disk, String bitmapName) {
    Optional<Bitmap> bitmap =
        BitmapAt.find(disk, bitmapName)
            .filter(found -> OwnBitmaps.isHealthy(found, granularityBytes));
    Optional<String> epoch = Markers.openId(disk);
    if (bitmap.isEmpty() || epoch.isEmpty() || disk.image().isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        new CheckpointDisk(
            disk.name(),
            bitmapName,
            epoch.get(),
            disk.blockNode(),
            disk.image().get(),
            disk.virtualSizeBytes(),
            bitmap.get().granularityBytes(),
            bitmap.get().dirtyBytes()));
  }
}
