package dev.vmcheckpoint.controller.decide;

import static java.util.stream.Collectors.toSet;

import dev.vmcheckpoint.api.Condition;
import dev.vmcheckpoint.api.Condition.Status;
import dev.vmcheckpoint.api.ConditionType;
import dev.vmcheckpoint.api.Conditions;
import dev.vmcheckpoint.api.DiskState;
import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Disk;
import dev.vmcheckpoint.controller.decide.Decision.Create;
import dev.vmcheckpoint.node.EnsureResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * What changed from one status to the next. As both are in the API, a restart of the operator tells
 * nothing twice.
 */
public final class Transitions {
  private Transitions() {}

  /** What is worth an event. */
  public static List<Announcement> between(
      VirtualMachineCheckpointStatus before, VirtualMachineCheckpointStatus after) {
    List<Announcement> told = new ArrayList<>();
    changed(ConditionType.Ready, before, after).ifPresent(ready -> told.add(about(ready)));
    changed(ConditionType.Valid, before, after)
        .filter(valid -> before.established())
        .filter(valid -> told.stream().noneMatch(other -> isAbout(other, valid)))
        .ifPresent(valid -> told.add(about(valid)));
    if (told.stream().noneMatch(other -> other.reason() == Reason.DisksLost)) {
      lostBesideOthers(before, after).ifPresent(told::add);
    }
    changed(ConditionType.Reconciling, before, after)
        .filter(working -> Reason.Deleting.name().equals(working.reason()))
        .ifPresent(deleting -> told.add(about(deleting)));
    return told;
  }

  /** Disks that are lost where others were before, so that no condition turns. */
  private static Optional<Announcement> lostBesideOthers(
      VirtualMachineCheckpointStatus before, VirtualMachineCheckpointStatus after) {
    Set<String> known = lost(before).map(Disk::name).collect(toSet());
    List<Disk> lost = lost(after).filter(disk -> !known.contains(disk.name())).toList();
    return lost.isEmpty()
        ? Optional.empty()
        : Optional.of(
            Announcement.warning(
                Reason.DisksLost, Texts.bounded(Statuses.describe(lost, DiskState.Lost))));
  }

  private static Stream<Disk> lost(VirtualMachineCheckpointStatus status) {
    return status.disks().stream().filter(disk -> disk.state() == DiskState.Lost);
  }

  /**
   * What an established checkpoint means for its machine, beyond what its status says.
   *
   * @param create what was asked for
   * @param response the answer to it
   */
  public static List<Announcement> onEstablished(Create create, EnsureResponse response) {
    return new MigrationWarnings(create.seen(), response).all();
  }

  private static Optional<Condition> changed(
      ConditionType type,
      VirtualMachineCheckpointStatus before,
      VirtualMachineCheckpointStatus after) {
    Optional<Condition> old = new Conditions(before.conditions()).get(type);
    return new Conditions(after.conditions())
        .get(type)
        .filter(now -> old.filter(then -> isSame(then, now)).isEmpty());
  }

  private static boolean isSame(Condition then, Condition now) {
    return then.status() == now.status() && then.reason().equals(now.reason());
  }

  private static boolean isAbout(Announcement announcement, Condition condition) {
    return announcement.reason().name().equals(condition.reason());
  }

  private static Announcement about(Condition condition) {
    Reason reason = Reason.named(condition.reason());
    return new Announcement(reason, isWarning(condition, reason), condition.message());
  }

  private static boolean isWarning(Condition condition, Reason reason) {
    return switch (reason) {
      case Creating, Migrating -> false;
      case Deleting -> true;
      default -> condition.status() != Status.True;
    };
  }
}
