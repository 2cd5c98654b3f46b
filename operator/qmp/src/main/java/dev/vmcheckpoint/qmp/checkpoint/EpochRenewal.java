package dev.vmcheckpoint.qmp.checkpoint;

import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.EpochMissing;
import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.MarkerInUse;
import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.OutcomeUnknown;
import dev.vmcheckpoint.qmp.flush.Flusher;
import dev.vmcheckpoint.qmp.machine.Disk;
import dev.vmcheckpoint.qmp.machine.MachineState;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * One run of {@link Checkpoints#renew}. It can end between any two of its steps: none takes away
 * what the record at that moment relies on, and the next run does what is left.
 */
record EpochRenewal(List<Renewal> renewals, Changes changes, Flusher flusher, Ids ids) {
  /** A renewal and the disk that it is of. */
  private record Target(Renewal renewal, Disk disk) {}

  List<Disk> run() {
    MachineState before = changes.lookBefore();
    List<Target> targets = targets(before);
    targets.forEach(EpochRenewal::requireRecordedMarker);
    List<Merge> merges = targets.stream().flatMap(target -> merges(target).stream()).toList();
    List<BitmapAt> replaced = replacedMarkers(targets);
    Changes.requireIdle(replaced, before);

    changes.addOneByOne(Markers.missing(targets.stream().map(Target::disk).toList(), ids));
    merges.forEach(changes::merge);
    changes.requireGuestStill();
    changes.flush(
        targets.stream().filter(target -> target.renewal().flush()).map(Target::disk).toList(),
        flusher);
    changes.remove(before, replaced);
    Set<String> recorded =
        renewals.stream().map(Renewal::recorded).collect(Collectors.toUnmodifiableSet());
    changes.remove(
        before,
        targets.stream()
            .flatMap(target -> Markers.tooManyBelow(target.disk(), recorded).stream())
            .toList());
    return answer(changes.lookAfter());
  }

  private List<Target> targets(MachineState machine) {
    List<Disk> disks = EligibleDisks.named(renewals.stream().map(Renewal::disk).toList(), machine);
    return IntStream.range(0, disks.size())
        .mapToObj(i -> new Target(renewals.get(i), disks.get(i)))
        .toList();
  }

  /**
   * An image that went back in time has bitmaps that look perfect, and lacks the marker that was
   * added since.
   */
  private static void requireRecordedMarker(Target target) {
    Disk disk = target.disk();
    String recorded = target.renewal().recorded();
    boolean open = Markers.isOpen(disk.bitmaps(), recorded);
    boolean travelled =
        Markers.isConsistent(disk.bitmaps(), recorded)
            || disk.backing().stream()
                .anyMatch(
                    layer ->
                        Markers.isConsistent(layer.bitmaps(), recorded)
                            || Markers.isOpen(layer.bitmaps(), recorded));
    if (!open && !travelled) {
      throw new EpochMissing(
          "disk %s has no consistent marker %s, neither on its active image nor on a layer below"
              .formatted(disk.name(), BitmapNames.epoch(recorded)));
    }
  }

  private static List<Merge> merges(Target target) {
    return new LinkedHashSet<>(target.renewal().merge())
        .stream().map(bitmap -> Merge.of(target.disk(), bitmap)).flatMap(Optional::stream).toList();
  }

  private static List<BitmapAt> replacedMarkers(List<Target> targets) {
    List<BitmapAt> replaced = new ArrayList<>();
    for (Target target : targets) {
      Disk disk = target.disk();
      for (String id : target.renewal().remove()) {
        requireReplaced(id, disk, targets);
        // The persistent one last: it is what the next run goes by.
        Stream.of(BitmapNames.open(id), BitmapNames.epoch(id))
            .flatMap(name -> BitmapAt.find(disk, name).stream())
            .map(marker -> BitmapAt.of(disk, marker))
            .filter(marker -> replaced.stream().noneMatch(marker::isSameAs))
            .forEach(replaced::add);
      }
    }
    return replaced;
  }

  private static void requireReplaced(String id, Disk disk, List<Target> targets) {
    boolean onRecord =
        targets.stream()
            .filter(other -> other.disk().blockNode().equals(disk.blockNode()))
            .anyMatch(other -> other.renewal().recorded().equals(id));
    if (onRecord || Markers.openId(disk).equals(Optional.of(id))) {
      throw new MarkerInUse(
          "the marker %s of disk %s is %s, and is not removed"
              .formatted(
                  BitmapNames.epoch(id),
                  disk.name(),
                  onRecord ? "on record" : "that of the present opening"));
    }
  }

  private List<Disk> answer(MachineState after) {
    return renewals.stream().map(renewal -> answer(renewal, after)).toList();
  }

  /** By then another image may be the active one. */
  private static Disk answer(Renewal renewal, MachineState after) {
    return after
        .disk(renewal.disk())
        .filter(disk -> Markers.openId(disk).isPresent())
        .orElseThrow(
            () ->
                new OutcomeUnknown(
                    "the opening of the image of disk %s was marked, and then did not show it"
                        .formatted(renewal.disk())));
  }
}
