package dev.vmcheckpoint.controller.decide;

import static java.util.stream.Collectors.joining;

import dev.vmcheckpoint.api.Condition.Status;
import dev.vmcheckpoint.api.ConditionType;
import dev.vmcheckpoint.api.Conditions;
import dev.vmcheckpoint.api.DiskState;
import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Disk;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Image;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.SkippedDisk;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Summary;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.VirtualMachine;
import dev.vmcheckpoint.controller.decide.Decision.Create;
import dev.vmcheckpoint.node.EnsureResponse.CheckpointDisk;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The whole status of a checkpoint, as what was said before becomes what is to be said now. */
final class Statuses {
  private final Checkpoint checkpoint;
  private final VirtualMachineCheckpointStatus before;
  private final Conditions conditions;
  private final Instant now;

  Statuses(Checkpoint checkpoint, Instant now) {
    this.checkpoint = checkpoint;
    this.before = checkpoint.status();
    this.conditions = new Conditions(before.conditions());
    this.now = now;
  }

  /**
   * The checkpoint could not be made so far.
   *
   * @param disks what can be said about single disks; where there is nothing, what was said stays,
   *     as it shows whether bitmaps may have been made
   */
  VirtualMachineCheckpointStatus notEstablished(
      Reason reason, String message, Optional<VirtualMachine> place, List<Disk> disks) {
    String text = Texts.bounded(message);
    boolean needsHelp = Outlook.needsHelp(reason);
    Conditions said = with(conditions, ConditionType.Ready, Status.False, reason, text);
    said =
        with(
            said,
            ConditionType.Valid,
            Status.Unknown,
            Reason.NotEstablished,
            "the checkpoint is not established");
    said =
        with(
                said,
                needsHelp ? ConditionType.Stalled : ConditionType.Reconciling,
                Status.True,
                reason,
                text)
            .without(needsHelp ? ConditionType.Reconciling : ConditionType.Stalled);
    return status(
        said,
        null,
        place.orElse(before.virtualMachine()),
        disks.isEmpty() ? before.disks() : disks,
        List.of(),
        Optional.of(reason));
  }

  /** The bitmaps are there, and flushed where that was asked for. */
  VirtualMachineCheckpointStatus established(Create create, List<CheckpointDisk> created) {
    List<Disk> disks = created.stream().map(Statuses::disk).toList();
    Conditions said = conditions.without(ConditionType.Reconciling).without(ConditionType.Stalled);
    said = ready(said, disks);
    said = valid(said, disks);
    return status(
        said,
        // A copy that is made after this second is made after the bitmaps were there.
        now.plus(Duration.ofSeconds(1)).minusNanos(1),
        create.seen().at(),
        disks,
        create.skipped(),
        said.get(ConditionType.Valid).map(valid -> Reason.named(valid.reason())));
  }

  /** The verdict of a look at an established checkpoint. */
  VirtualMachineCheckpointStatus judged(Observation observation, List<Disk> disks) {
    Conditions said = conditions.without(ConditionType.Reconciling);
    boolean lost = disks.stream().anyMatch(disk -> disk.state() == DiskState.Lost);
    if (lost) {
      String text = Texts.bounded(describe(disks, DiskState.Lost));
      said = with(said, ConditionType.Ready, Status.False, Reason.DisksLost, text);
      said = with(said, ConditionType.Valid, Status.False, Reason.DisksLost, text);
      said = with(said, ConditionType.Stalled, Status.True, Reason.DisksLost, text);
    } else {
      said = valid(ready(said.without(ConditionType.Stalled), disks), disks);
    }
    return status(
        said,
        before.creationTime(),
        observation.place().orElse(before.virtualMachine()),
        disks,
        before.skippedDisks(),
        said.get(ConditionType.Valid).map(valid -> Reason.named(valid.reason())));
  }

  /** The checkpoint is to go, but its bitmaps could not be removed so far. */
  VirtualMachineCheckpointStatus deleting(String message) {
    Conditions said =
        with(
            conditions,
            ConditionType.Reconciling,
            Status.True,
            Reason.Deleting,
            Texts.bounded(message));
    return new VirtualMachineCheckpointStatus(
        checkpoint.generation(),
        before.lastHandledProbeAt(),
        said.list(),
        before.creationTime(),
        before.virtualMachine(),
        before.disks(),
        before.skippedDisks(),
        before.summary());
  }

  private Conditions ready(Conditions said, List<Disk> disks) {
    return with(
        said,
        ConditionType.Ready,
        Status.True,
        checkpoint.mustFlush() ? Reason.Established : Reason.EstablishedUnflushed,
        Texts.bounded("on disks " + disks.stream().map(Disk::name).collect(joining(", "))));
  }

  private Conditions valid(Conditions said, List<Disk> disks) {
    return disks.stream().allMatch(disk -> disk.state() == DiskState.Recording)
        ? with(
            said,
            ConditionType.Valid,
            Status.True,
            Reason.Recording,
            "the bitmap of every disk is recording")
        : with(
            said,
            ConditionType.Valid,
            Status.Unknown,
            Reason.DisksUnknown,
            Texts.bounded(describe(disks, DiskState.Unknown)));
  }

  private Conditions with(
      Conditions said, ConditionType type, Status status, Reason reason, String message) {
    return said.with(type, status, reason, message, checkpoint.generation(), now);
  }

  private VirtualMachineCheckpointStatus status(
      Conditions said,
      @Nullable Instant creationTime,
      @Nullable VirtualMachine place,
      List<Disk> disks,
      List<SkippedDisk> skipped,
      Optional<Reason> reason) {
    return new VirtualMachineCheckpointStatus(
        checkpoint.generation(),
        checkpoint.probe().orElse(before.lastHandledProbeAt()),
        said.list(),
        creationTime,
        place,
        disks,
        skipped,
        summary(disks, reason));
  }

  private static Summary summary(List<Disk> disks, Optional<Reason> reason) {
    if (disks.isEmpty()) {
      return new Summary(reason.orElse(null), null, null);
    }
    long recording = disks.stream().filter(disk -> disk.state() == DiskState.Recording).count();
    boolean counted = disks.stream().anyMatch(disk -> disk.dirtyBytes() != null);
    long dirty = disks.stream().map(Disk::dirtyBytes).mapToLong(d -> d == null ? 0 : d).sum();
    return new Summary(
        reason.orElse(null),
        recording + "/" + disks.size(),
        counted ? Texts.quantity(dirty) : null);
  }

  /** Those disks that are in a state, with the reason and message of each. */
  static String describe(List<Disk> disks, DiskState state) {
    return disks.stream()
        .filter(disk -> disk.state() == state)
        .map(disk -> "disk %s: %s: %s".formatted(disk.name(), disk.reason(), disk.message()))
        .collect(joining("; "));
  }

  private static Disk disk(CheckpointDisk created) {
    return new Disk(
        created.name(),
        DiskState.Recording,
        Reason.Recording,
        null,
        created.bitmap(),
        created.epoch(),
        created.blockNode(),
        new Image(
            created.image().file(),
            created.image().backing(),
            created.image().dataFile().orElse(null)),
        created.virtualSizeBytes(),
        created.granularityBytes(),
        created.dirtyBytes());
  }
}
