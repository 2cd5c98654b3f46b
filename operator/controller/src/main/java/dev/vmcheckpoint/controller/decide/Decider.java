package dev.vmcheckpoint.controller.decide;

import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Disk;
import dev.vmcheckpoint.controller.decide.Decision.Create;
import dev.vmcheckpoint.controller.decide.Decision.Report;
import dev.vmcheckpoint.controller.decide.DiskSelection.Rejected;
import dev.vmcheckpoint.controller.decide.DiskSelection.Selected;
import dev.vmcheckpoint.controller.decide.Observation.Seen;
import dev.vmcheckpoint.controller.decide.Observation.Unseen;
import dev.vmcheckpoint.controller.decide.Troubles.Trouble;
import dev.vmcheckpoint.node.Barrier;
import dev.vmcheckpoint.node.BitmapsDigest;
import dev.vmcheckpoint.node.CheckpointUid;
import dev.vmcheckpoint.node.DiskObservation;
import dev.vmcheckpoint.node.EnsureRequest;
import dev.vmcheckpoint.node.EnsureResponse;
import dev.vmcheckpoint.node.EnsureResponse.CheckpointDisk;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** What to do for a checkpoint that is to stay: bitmaps are made only until it is established. */
public final class Decider {
  private Decider() {}

  /**
   * Decides.
   *
   * @param observation what is known now; for an established checkpoint only a look that began
   *     after it was established
   * @param others the disks of every checkpoint of the machine
   * @param limit of checkpoints per disk
   * @param now the time of the decision
   */
  public static Decision decide(
      Checkpoint checkpoint,
      Observation observation,
      List<OnRecord> others,
      CheckpointLimit limit,
      Instant now) {
    Statuses statuses = new Statuses(checkpoint, now);
    if (checkpoint.status().established()) {
      return Renewals.decide(checkpoint, observation, others, now);
    }
    return switch (observation) {
      case Unseen unseen ->
          new Report(
              statuses.notEstablished(
                  unseen.reason(), unseen.message(), unseen.place(), List.of()));
      case Seen seen ->
          switch (DiskSelection.of(checkpoint.spec(), seen.machine().disks())) {
            case Rejected(var reason, var message, var disks) ->
                new Report(statuses.notEstablished(reason, message, seen.place(), disks));
            case Selected(var names, var skipped) ->
                create(
                    checkpoint,
                    new Create(request(checkpoint, names, seen), skipped, seen),
                    limit,
                    now);
          };
    };
  }

  private static Decision create(
      Checkpoint checkpoint, Create create, CheckpointLimit limit, Instant now) {
    List<String> full =
        create.seen().machine().disks().stream()
            .filter(disk -> create.request().disks().contains(disk.name()))
            .filter(disk -> limit.isReachedOn(disk, checkpoint))
            .map(DiskObservation::name)
            .toList();
    return full.isEmpty()
        ? create
        : new Report(
            notCreated(
                checkpoint,
                create,
                new Trouble(
                    Reason.TooManyCheckpoints,
                    "%d checkpoints, the most that there may be, are on disk %s"
                        .formatted(limit.mostPerDisk(), String.join(", ", full))),
                now));
  }

  private static EnsureRequest request(Checkpoint checkpoint, List<String> names, Seen seen) {
    OptionalLong granularity = checkpoint.spec().granularityInBytes();
    return new EnsureRequest(
        names,
        granularity.isPresent() ? Optional.of(granularity.getAsLong()) : Optional.empty(),
        checkpoint.mustFlush() ? Barrier.Flush : Barrier.None,
        Optional.of(BitmapsDigest.of(seen.machine(), new CheckpointUid(checkpoint.uid()))));
  }

  /**
   * What to say once the sidecar has answered.
   *
   * @param now the time of the answer; it becomes the creation time
   */
  public static VirtualMachineCheckpointStatus created(
      Checkpoint checkpoint, Create create, EnsureResponse response, Instant now) {
    Optional<Trouble> flaw = flaw(checkpoint, create, response);
    return flaw.isPresent()
        ? notCreated(checkpoint, create, flaw.get(), now)
        : new Statuses(checkpoint, now).established(create, response.disks());
  }

  /** What to say where the bitmaps could not be made, or not for certain. */
  public static VirtualMachineCheckpointStatus notCreated(
      Checkpoint checkpoint, Create create, Trouble trouble, Instant now) {
    List<Disk> pending =
        create.request().disks().stream()
            .map(name -> Disk.pending(name, trouble.reason(), Texts.bounded(trouble.message())))
            .toList();
    return new Statuses(checkpoint, now)
        .notEstablished(trouble.reason(), trouble.message(), create.seen().place(), pending);
  }

  /** An answer is believed only where it is about exactly what was asked for. */
  private static Optional<Trouble> flaw(
      Checkpoint checkpoint, Create create, EnsureResponse response) {
    List<String> answered = response.disks().stream().map(CheckpointDisk::name).toList();
    if (!answered.equals(create.request().disks())) {
      return Optional.of(
          new Trouble(
              Reason.SidecarFailed,
              "the sidecar answered for the disks %s instead of %s"
                  .formatted(answered, create.request().disks())));
    }
    for (CheckpointDisk disk : response.disks()) {
      if (!checkpoint.owns(disk.bitmap(), disk.name())) {
        return Optional.of(
            new Trouble(
                Reason.SidecarFailed,
                "the sidecar answered with bitmap %s for disk %s"
                    .formatted(disk.bitmap(), disk.name())));
      }
    }
    return checkpoint.mustFlush() && !response.flushed()
        ? Optional.of(
            new Trouble(Reason.FlushPending, "the bitmaps are there, but not yet flushed"))
        : Optional.empty();
  }
}
