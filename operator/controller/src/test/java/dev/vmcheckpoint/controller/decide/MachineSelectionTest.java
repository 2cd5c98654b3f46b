package dev.vmcheckpoint.controller.decide;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.controller.decide.MachinePod.Phase;
import dev.vmcheckpoint.controller.decide.Observation.Seen;
import dev.vmcheckpoint.controller.decide.Observation.Unseen;
import dev.vmcheckpoint.node.MachineObservation;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

final class MachineSelectionTest {
  private static final Look OWNER = look("running", true, "none");
  private static final Look SOURCE_AFTER = look("postmigrate", false, "completed");
  private static final Look TARGET_BEFORE = look("inmigrate", false, "active");

  @Test
  void withoutAPodTheMachineIsNotFoundAndGone() {
    assertThat(select(List.of(), Map.of()))
        .isInstanceOfSatisfying(
            Unseen.class,
            unseen -> {
              assertThat(unseen.reason()).isEqualTo(Reason.VirtualMachineNotFound);
              assertThat(unseen.message()).contains("db-0");
              assertThat(unseen.gone()).isTrue();
            });
  }

  @Test
  void aPodThatHasNotStartedMayYetRunTheMachine() {
    assertThat(select(List.of(pod("a", Phase.NOT_STARTED)), Map.of()))
        .isInstanceOfSatisfying(
            Unseen.class,
            unseen -> {
              assertThat(unseen.reason()).isEqualTo(Reason.VirtualMachineNotRunning);
              assertThat(unseen.message()).contains("pod-a").contains("does not run");
              assertThat(unseen.place()).isPresent();
              assertThat(unseen.gone()).isFalse();
            });
  }

  @Test
  void aPodThatHasEndedDoesNot() {
    assertThat(select(List.of(pod("a", Phase.ENDED)), Map.of()))
        .isInstanceOfSatisfying(
            Unseen.class,
            unseen -> {
              assertThat(unseen.reason()).isEqualTo(Reason.VirtualMachineNotRunning);
              assertThat(unseen.message()).contains("has ended");
              assertThat(unseen.gone()).isTrue();
            });
  }

  @Test
  void ofTwoPodsThatDoNotRunNeitherIsThePlace() {
    assertThat(
            select(List.of(pod("a", Phase.ENDED), pod("b", Phase.NOT_STARTED)), Map.of()).place())
        .isEmpty();
  }

  @Test
  void aRunningPodWithoutANodeIsNotTheMachine() {
    MachinePod nowhere = new MachinePod("pod-a", "a", Optional.empty(), Phase.RUNNING);

    assertReason(select(List.of(nowhere), Map.of("a", OWNER)), Reason.VirtualMachineNotRunning);
    assertReason(select(List.of(nowhere), Map.of()), Reason.VirtualMachineNotRunning);
  }

  @Test
  void theOneThatRunsTheGuestIsSeen() {
    assertThat(select(List.of(pod("a", Phase.RUNNING)), Map.of("a", OWNER)))
        .isInstanceOfSatisfying(Seen.class, seen -> assertThat(seen.node()).isEqualTo("node-1"));
  }

  @Test
  void beforeTheSwitchOfAMigrationTheSourceIsTheMachine() {
    assertThat(two(OWNER, TARGET_BEFORE))
        .isInstanceOfSatisfying(
            Seen.class, seen -> assertThat(seen.at().podName()).isEqualTo("pod-a"));
  }

  @Test
  void afterTheSwitchOfAMigrationTheTargetIsTheMachine() {
    assertThat(two(SOURCE_AFTER, OWNER))
        .isInstanceOfSatisfying(
            Seen.class, seen -> assertThat(seen.at().podName()).isEqualTo("pod-b"));
  }

  @Test
  void whileNeitherSideRunsTheGuestItIsMigrating() {
    assertReason(two(SOURCE_AFTER, TARGET_BEFORE), Reason.Migrating);
  }

  @Test
  void whileItMigratesBothSidesAreSaidAsTheyAre() {
    assertThat(two(look("running", false, "active"), TARGET_BEFORE))
        .isInstanceOfSatisfying(
            Unseen.class,
            unseen ->
                assertThat(unseen.message())
                    .isEqualTo(
                        "QEMU in pod pod-a is in run state running, migration active; "
                            + "QEMU in pod pod-b is in run state inmigrate, migration active"));
  }

  @Test
  void twoThatRunAGuestAreAmbiguous() {
    assertReason(two(OWNER, OWNER), Reason.AmbiguousVirtualMachine);
  }

  @ParameterizedTest
  @EnumSource(
      value = Reason.class,
      names = {"SidecarUnreachable", "NoSidecar", "MonitorBusy", "MonitorUnavailable"})
  void aSecondOneThatCannotBeLookedAtMayRunAGuestToo(Reason reason) {
    assertReason(two(OWNER, new Look.Failed(reason, "")), reason);
  }

  @ParameterizedTest
  @EnumSource(
      value = Reason.class,
      names = {"NoMonitorVolume", "NoMonitorSocket", "MonitorNotListening"})
  void aSecondOneWithoutAMonitorRunsNone(Reason reason) {
    assertThat(two(OWNER, new Look.Failed(reason, ""))).isInstanceOf(Seen.class);
  }

  @ParameterizedTest
  @EnumSource(
      value = Reason.class,
      names = {"NoMonitorVolume", "NoMonitorSocket", "MonitorPermissionDenied", "NoSidecar"})
  void theOnlyOneThatCannotBeLookedAtSaysWhy(Reason reason) {
    assertReason(
        select(List.of(pod("a", Phase.RUNNING)), Map.of("a", new Look.Failed(reason, ""))), reason);
  }

  @ParameterizedTest
  @CsvSource({
    "prelaunch,   none,      GuestNotRunning",
    "internal-error, none,   GuestNotRunning",
    "save-vm,     completed, GuestNotRunning",
    "inmigrate,   none,      Migrating",
    "postmigrate, completed, Migrating",
    "running,     active,    Migrating",
    "paused,      pre-switchover, Migrating",
  })
  void aQemuThatDoesNotRunTheGuestIsJudgedByItsStates(
      String runState, String migration, Reason reason) {
    assertReason(
        select(List.of(pod("a", Phase.RUNNING)), Map.of("a", look(runState, false, migration))),
        reason);
  }

  private static void assertReason(Observation observation, Reason reason) {
    assertThat(observation)
        .isInstanceOfSatisfying(
            Unseen.class,
            unseen -> {
              assertThat(unseen.reason()).isEqualTo(reason);
              assertThat(unseen.gone()).isFalse();
            });
  }

  private static Observation two(Look first, Look second) {
    return select(
        List.of(pod("a", Phase.RUNNING), pod("b", Phase.RUNNING)), Map.of("a", first, "b", second));
  }

  private static Observation select(List<MachinePod> pods, Map<String, Look> looks) {
    return MachineSelection.select("db-0", pods, looks);
  }

  private static MachinePod pod(String uid, Phase phase) {
    return new MachinePod("pod-" + uid, uid, Optional.of("node-1"), phase);
  }

  private static Look look(String runState, boolean runsGuest, String migration) {
    return new Look.Seen(
        "start-1", new MachineObservation("7.2.22", runState, runsGuest, migration, List.of()));
  }
}
