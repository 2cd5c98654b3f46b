package dev.vmcheckpoint.controller.decide;

import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Disk;
import dev.vmcheckpoint.controller.decide.Decision.Renew;
import dev.vmcheckpoint.controller.decide.Decision.Report;
import dev.vmcheckpoint.controller.decide.Observation.Seen;
import dev.vmcheckpoint.controller.decide.Troubles.Trouble;
import dev.vmcheckpoint.node.DiskImage;
import dev.vmcheckpoint.node.DiskObservation;
import dev.vmcheckpoint.node.EpochRequest;
import dev.vmcheckpoint.node.EpochResponse;
import dev.vmcheckpoint.node.MachineObservation;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * What to do for an established checkpoint: judge its disks, but first have those carried over that
 * came into a new opening of their images.
 */
public final class Renewals {
  private static final Trouble NOT_CARRIED_OVER =
      new Trouble(
          Reason.SidecarFailed,
          "the sidecar's answer does not show the disk carried over into its present opening");

  private Renewals() {}

  static Decision decide(
      Checkpoint checkpoint, Observation observation, List<OnRecord> others, Instant now) {
    List<Verdict> verdicts = verdicts(checkpoint, observation, Map.of(), others);
    List<EpochRequest.Disk> renewals = new ArrayList<>();
    for (Verdict verdict : verdicts) {
      if (verdict instanceof Verdict.Renew(var recorded, var epoch, var merge, var flush)) {
        renewals.add(new EpochRequest.Disk(recorded.name(), epoch, merge, List.of(), flush));
      }
    }
    return observation instanceof Seen seen && !renewals.isEmpty()
        ? new Renew(new EpochRequest(renewals), seen, others)
        : new Report(status(checkpoint, observation, verdicts, _ -> NOT_CARRIED_OVER, now));
  }

  private static Verdict besideOthers(
      Verdict verdict, Checkpoint checkpoint, Observation observation, List<OnRecord> others) {
    return verdict instanceof Verdict.Judged(var disk) && observation instanceof Seen seen
        ? new Verdict.Judged(new Supersets(checkpoint, seen, others).judge(disk))
        : verdict;
  }

  /**
   * What the sidecar answered: for all disks at once, or for each alone.
   *
   * @param responses in the order of the disks
   * @param troubles what stands in the way of each other disk, by its name
   */
  public record Renewed(List<EpochResponse> responses, Map<String, Trouble> troubles) {
    public Renewed {
      responses = List.copyOf(responses);
      troubles = Map.copyOf(troubles);
    }
  }

  /** What to say once the sidecar has answered. */
  public static VirtualMachineCheckpointStatus renewed(
      Checkpoint checkpoint, Renew renew, Renewed renewed, Instant now) {
    List<DiskObservation> answered =
        renewed.responses().stream().flatMap(response -> response.disks().stream()).toList();
    List<String> names = answered.stream().map(DiskObservation::name).toList();
    List<String> expected = new ArrayList<>(names(renew));
    expected.removeAll(renewed.troubles().keySet());
    if (!names.equals(expected)) {
      return notRenewed(
          checkpoint,
          renew,
          new Trouble(
              Reason.SidecarFailed,
              "the sidecar answered for the disks %s instead of %s".formatted(names, expected)),
          now);
    }
    List<String> unflushed = new ArrayList<>(renew.request().disksToFlush());
    unflushed.retainAll(expected);
    renewed.responses().forEach(response -> unflushed.removeAll(response.flushed()));
    if (!unflushed.isEmpty()) {
      return notRenewed(
          checkpoint,
          renew,
          new Trouble(
              Reason.FlushPending,
              "the sidecar's answer does not show the disks %s flushed".formatted(unflushed)),
          now);
    }
    Seen after = with(renew.seen(), answered);
    Map<String, DiskImage> images = images(renew.seen(), expected);
    return status(
        checkpoint,
        after,
        verdicts(checkpoint, after, images, renew.others()),
        disk -> renewed.troubles().getOrDefault(disk, NOT_CARRIED_OVER),
        now);
  }

  /** What to say where disks could not be carried over, or not for certain. */
  public static VirtualMachineCheckpointStatus notRenewed(
      Checkpoint checkpoint, Renew renew, Trouble trouble, Instant now) {
    return status(
        checkpoint,
        renew.seen(),
        verdicts(checkpoint, renew.seen(), Map.of(), renew.others()),
        _ -> trouble,
        now);
  }

  private static List<Verdict> verdicts(
      Checkpoint checkpoint,
      Observation observation,
      Map<String, DiskImage> carriedOver,
      List<OnRecord> others) {
    DiskJudge judge = new DiskJudge(checkpoint, observation, carriedOver);
    return checkpoint.status().disks().stream()
        .map(judge::judge)
        .map(verdict -> besideOthers(verdict, checkpoint, observation, others))
        .toList();
  }

  private static VirtualMachineCheckpointStatus status(
      Checkpoint checkpoint,
      Observation observation,
      List<Verdict> verdicts,
      Function<String, Trouble> ofTheOthers,
      Instant now) {
    List<Disk> disks =
        verdicts.stream()
            .map(
                verdict ->
                    switch (verdict) {
                      case Verdict.Judged(var disk) -> disk;
                      case Verdict.Renew renew -> unknown(renew.recorded(), ofTheOthers);
                    })
            .toList();
    return new Statuses(checkpoint, now).judged(observation, disks);
  }

  private static Disk unknown(Disk recorded, Function<String, Trouble> troubles) {
    Trouble trouble = troubles.apply(recorded.name());
    return Verdicts.unknown(recorded, trouble.reason(), trouble.message()).disk();
  }

  private static List<String> names(Renew renew) {
    return renew.request().disks().stream().map(EpochRequest.Disk::name).toList();
  }

  /** The images that the sidecar was asked about. Beside these, devices can share a name. */
  private static Map<String, DiskImage> images(Seen seen, List<String> carriedOver) {
    Map<String, DiskImage> images = new HashMap<>();
    for (DiskObservation disk : seen.machine().disks()) {
      if (carriedOver.contains(disk.name())) {
        disk.image().ifPresent(image -> images.putIfAbsent(disk.name(), image));
      }
    }
    return images;
  }

  private static Seen with(Seen seen, List<DiskObservation> answered) {
    MachineObservation machine = seen.machine();
    List<DiskObservation> disks =
        machine.disks().stream()
            .map(
                disk ->
                    answered.stream()
                        .filter(newer -> newer.name().equals(disk.name()))
                        .findFirst()
                        .orElse(disk))
            .toList();
    return new Seen(
        seen.at(),
        seen.node(),
        seen.startId(),
        new MachineObservation(
            machine.qemuVersion(),
            machine.runState(),
            machine.runsGuest(),
            machine.migration(),
            disks));
  }
}
