package dev.vmcheckpoint.controller.decide;

import static java.util.stream.Collectors.joining;

import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.controller.decide.MachinePod.Phase;
import dev.vmcheckpoint.controller.decide.Observation.Seen;
import dev.vmcheckpoint.controller.decide.Observation.Unseen;
import dev.vmcheckpoint.node.MachineObservation;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Which of a machine's pods is the machine. Two at once are a migration or a rollout: only the one
 * whose QEMU runs the guest counts.
 */
public final class MachineSelection {
  /** QAPI {@code MigrationStatus} of a QEMU that neither migrates nor is about to. */
  private static final Set<String> NO_MIGRATION =
      Set.of("none", "completed", "failed", "cancelled");

  /** QAPI {@code RunState} of either side of a migration. */
  private static final Set<String> MIGRATION_STATES =
      Set.of("inmigrate", "postmigrate", "finish-migrate");

  private MachineSelection() {}

  /**
   * Selects.
   *
   * @param machineName the machine's name
   * @param pods every pod that carries the label
   * @param looks one look into each running pod, by the pod's UID
   */
  public static Observation select(
      String machineName, List<MachinePod> pods, Map<String, Look> looks) {
    List<MachinePod> running = pods.stream().filter(pod -> pod.phase() == Phase.RUNNING).toList();
    if (pods.isEmpty()) {
      return new Unseen(
          Reason.VirtualMachineNotFound,
          "no pod in this namespace is labelled as virtual machine %s".formatted(machineName),
          Optional.empty(),
          true);
    }
    if (running.isEmpty()) {
      return notRunning(machineName, pods);
    }
    List<MachinePod> owners =
        running.stream().filter(pod -> runsGuest(looks.get(pod.uid()))).toList();
    List<MachinePod> unclear =
        running.stream().filter(pod -> mayRunGuest(looks.get(pod.uid()))).toList();
    if (owners.size() > 1) {
      return new Unseen(
          Reason.AmbiguousVirtualMachine,
          "the pods %s all run a guest as virtual machine %s".formatted(names(owners), machineName),
          Optional.empty(),
          false);
    }
    if (owners.size() == 1 && unclear.isEmpty()) {
      return seen(owners.getFirst(), looks);
    }
    if (!unclear.isEmpty()) {
      return failed(unclear.getFirst(), looks);
    }
    if (running.size() == 1) {
      return noGuest(running.getFirst(), looks);
    }
    return new Unseen(
        Reason.Migrating,
        running.stream()
            .sorted(Comparator.comparing(MachinePod::name))
            .flatMap(pod -> Stream.ofNullable(looks.get(pod.uid())).map(look -> state(pod, look)))
            .collect(joining("; ")),
        Optional.empty(),
        false);
  }

  private static Unseen notRunning(String machineName, List<MachinePod> pods) {
    boolean ended = pods.stream().allMatch(pod -> pod.phase() == Phase.ENDED);
    return new Unseen(
        Reason.VirtualMachineNotRunning,
        "pod %s of virtual machine %s %s"
            .formatted(
                names(pods), machineName, ended ? "has ended" : "is there, but does not run"),
        pods.size() == 1 ? Optional.of(pods.getFirst().place()) : Optional.empty(),
        ended);
  }

  private static Observation seen(MachinePod pod, Map<String, Look> looks) {
    if (looks.get(pod.uid()) instanceof Look.Seen(var startId, var machine)
        && pod.node().isPresent()) {
      return new Seen(pod.place(), pod.node().get(), startId, machine);
    }
    return failed(pod, looks);
  }

  private static Unseen failed(MachinePod pod, Map<String, Look> looks) {
    if (looks.get(pod.uid()) instanceof Look.Failed(var reason, var message)) {
      return new Unseen(reason, message, Optional.of(pod.place()), false);
    }
    return new Unseen(
        Reason.VirtualMachineNotRunning,
        "pod %s is not bound to a node".formatted(pod.name()),
        Optional.of(pod.place()),
        false);
  }

  private static Unseen noGuest(MachinePod pod, Map<String, Look> looks) {
    if (!(looks.get(pod.uid()) instanceof Look.Seen(var startId, var machine))) {
      return failed(pod, looks);
    }
    return new Unseen(
        isMigrating(machine) ? Reason.Migrating : Reason.GuestNotRunning,
        state(pod, machine),
        Optional.of(pod.place()),
        false);
  }

  private static String state(MachinePod pod, Look look) {
    return switch (look) {
      case Look.Seen seen -> state(pod, seen.machine());
      case Look.Failed failed -> "pod %s: %s".formatted(pod.name(), failed.message());
    };
  }

  private static String state(MachinePod pod, MachineObservation machine) {
    return "QEMU in pod %s is in run state %s, migration %s"
        .formatted(pod.name(), machine.runState(), machine.migration());
  }

  private static boolean isMigrating(MachineObservation machine) {
    return !NO_MIGRATION.contains(machine.migration())
        || MIGRATION_STATES.contains(machine.runState());
  }

  private static boolean runsGuest(@Nullable Look look) {
    return look instanceof Look.Seen seen && seen.machine().runsGuest();
  }

  private static boolean mayRunGuest(@Nullable Look look) {
    return switch (look) {
      case null -> true;
      case Look.Failed failed -> failed.mayRunGuest();
      case Look.Seen _ -> false;
    };
  }

  private static String names(List<MachinePod> pods) {
    return pods.stream().map(MachinePod::name).sorted().collect(joining(", "));
  }
}
