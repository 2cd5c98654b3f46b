package dev.vmcheckpoint.controller;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.api.Condition.Status;
import dev.vmcheckpoint.api.ConditionType;
import dev.vmcheckpoint.api.DiskState;
import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.controller.fixture.FakeMachine;
import dev.vmcheckpoint.controller.fixture.FakeSidecar;
import dev.vmcheckpoint.controller.fixture.TestCheckpoint;
import dev.vmcheckpoint.node.ErrorCode;
import dev.vmcheckpoint.node.NodeApiException;
import java.io.IOException;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/** From one opening of an image to the next. */
final class EpochIT extends WithOperator {
  @Test
  void aMachineInANewPodIsUnknownMeanwhileAndThenRecordingInItsNewOpening() {
    cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda");
    TestCheckpoint checkpoint = cluster.apply("new-pod", "db-0").whenReady();
    String recorded = checkpoint.epoch("vda");

    stop(checkpoint);
    start(machine);

    checkpoint.when(ConditionType.Valid, Status.True, Reason.Recording);
    assertThat(checkpoint.epoch("vda")).isNotEqualTo(recorded).isIn(machine.epochs("vda"));
  }

  @Test
  void oneStatusRecordsANewOpeningWithNoFewerDirtyBytes() {
    FakeSidecar sidecar = cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda");
    TestCheckpoint checkpoint = cluster.apply("restarted", "db-0").whenReady();
    machine.put("vda", checkpoint.bitmap("vda"), 10 * 65_536);
    checkpoint.when("dirty", now -> Objects.equals(now.disks().getFirst().dirtyBytes(), 655_360L));
    String recorded = checkpoint.epoch("vda");
    int writes = operator.calls().writesAbout(cluster.namespace(), "restarted").size();

    machine.restart();

    checkpoint.when("renewed", now -> !recorded.equals(now.disks().getFirst().epoch()));
    assertThat(checkpoint.disk("vda").state()).isEqualTo(DiskState.Recording);
    assertThat(checkpoint.disk("vda").dirtyBytes()).isEqualTo(655_360L);
    assertThat(operator.calls().writesAbout(cluster.namespace(), "restarted")).hasSize(writes + 1);
    assertThat(sidecar.renewals())
        .filteredOn(renewal -> renewal.disks().getFirst().remove().isEmpty())
        .hasSize(1);
  }

  @Test
  void aFlushAfterAStreamThatFailsIsUnknownAndThenRecordedAnew() {
    FakeSidecar sidecar = cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda");
    machine.putOverlay("vda");
    TestCheckpoint checkpoint = cluster.apply("streamed", "db-0").whenReady();
    AtomicBoolean fails = new AtomicBoolean(true);
    sidecar.beforeEachRenew(
        () -> {
          if (fails.get()) {
            throw FakeSidecar.problem(ErrorCode.FlushPending, "the medium does not answer");
          }
        });

    machine.stream("vda");

    checkpoint.when("unknown", now -> now.disks().getFirst().reason() == Reason.FlushPending);
    assertThat(checkpoint.disk("vda").state()).isEqualTo(DiskState.Unknown);
    fails.set(false);
    checkpoint.when(ConditionType.Valid, Status.True, Reason.Recording);
    assertThat(Objects.requireNonNull(checkpoint.disk("vda").image()).backing()).isEmpty();
    assertThat(sidecar.renewals())
        .allSatisfy(call -> assertThat(call.disks().getFirst().flush()).isTrue());
  }

  @Test
  void anImageThatWentBackToAnOlderStateIsLost() {
    cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda", "vdb");
    TestCheckpoint checkpoint = cluster.apply("rolled-back", "db-0").whenReady();
    stop(checkpoint);
    FakeMachine.Snapshot snapshot = machine.snapshot("vda");
    start(machine);
    checkpoint.when(ConditionType.Valid, Status.True, Reason.Recording);
    stop(checkpoint);

    machine.revertTo(snapshot);
    start(machine);

    checkpoint.when(ConditionType.Valid, Status.False, Reason.DisksLost);
    assertThat(checkpoint.disk("vda").reason()).isEqualTo(Reason.RolledBack);
    checkpoint.when("carried over", now -> now.disks().get(1).state() == DiskState.Recording);
    checkpoint.whenTold(Reason.DisksLost);
  }

  @Test
  void anOlderStateOfBeforeTheFirstProbeInAnOpeningHasLostNothing() {
    cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda");
    TestCheckpoint checkpoint = cluster.apply("never-looked", "db-0").whenReady();
    stop(checkpoint);
    FakeMachine.Snapshot snapshot = machine.snapshot("vda");

    machine.revertTo(snapshot);
    start(machine);

    checkpoint.when(ConditionType.Valid, Status.True, Reason.Recording);
  }

  @Test
  void aRenewalWhoseReplyWasLostIsRepeatedIntoTheSameOpening() {
    FakeSidecar sidecar = cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda");
    TestCheckpoint checkpoint = cluster.apply("lost-reply", "db-0").whenReady();
    stop(checkpoint);
    sidecar.afterNextRenew(
        () -> {
          throw new NodeApiException.NoAnswer("the connection broke", new IOException());
        });

    start(machine);

    checkpoint.when(ConditionType.Valid, Status.True, Reason.Recording);
    assertThat(sidecar.renewals()).hasSizeGreaterThan(1);
  }

  @Test
  void aStatusThatConflictsIsDecidedAnewAndTheOpeningIsTheSame() {
    FakeSidecar sidecar = cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda");
    TestCheckpoint checkpoint = cluster.apply("conflict", "db-0").whenReady();
    String recorded = checkpoint.epoch("vda");
    operator
        .calls()
        .beforeNextStatusOf("conflict", () -> checkpoint.annotate("example.com/touched", "now"));

    machine.restart();

    checkpoint.when("renewed", now -> !recorded.equals(now.disks().getFirst().epoch()));
    assertThat(sidecar.renewals())
        .filteredOn(renewal -> renewal.disks().getFirst().remove().isEmpty())
        .hasSize(2);
    assertThat(checkpoint.epoch("vda")).isIn(machine.epochs("vda"));
  }

  @Test
  void anOperatorThatEndsBetweenRenewalAndStatusIsFollowedByOneThatRecordsTheSameOpening() {
    FakeSidecar sidecar = cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda");
    TestCheckpoint checkpoint = cluster.apply("crash", "db-0").whenReady();
    String recorded = checkpoint.epoch("vda");
    stop(checkpoint);
    sidecar.afterNextRenew(
        () -> {
          assertThat(checkpoint.epoch("vda")).isEqualTo(recorded);
          throw new IllegalStateException("the operator ends here");
        });

    start(machine);

    checkpoint.when(ConditionType.Valid, Status.True, Reason.Recording);
    assertThat(sidecar.renewals()).hasSizeGreaterThan(1);
    assertThat(checkpoint.epoch("vda")).isIn(machine.epochs("vda"));
  }

  @Test
  void twoCheckpointsOfDifferentAgeOnOneDiskAreBothCarriedOver() {
    cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda");
    TestCheckpoint older = cluster.apply("older", "db-0").whenReady();
    stop(older);
    start(machine);
    older.when(ConditionType.Valid, Status.True, Reason.Recording);
    TestCheckpoint younger = cluster.apply("younger", "db-0").whenReady();
    assertThat(younger.epoch("vda")).isEqualTo(older.epoch("vda"));
    stop(older, younger);

    start(machine);

    older.when(ConditionType.Valid, Status.True, Reason.Recording);
    younger.when(ConditionType.Valid, Status.True, Reason.Recording);
    assertThat(younger.epoch("vda")).isEqualTo(older.epoch("vda"));
  }

  @Test
  void whileARenewalFailsTheDiskIsUnknownForThatReason() {
    FakeSidecar sidecar = cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda");
    TestCheckpoint checkpoint = cluster.apply("refused", "db-0").whenReady();
    stop(checkpoint);
    AtomicBoolean refusing = new AtomicBoolean(true);
    refuseRenewals(sidecar, refusing);

    start(machine);

    checkpoint.when("refused", now -> now.disks().getFirst().reason() == Reason.Refused);
    refusing.set(false);
    checkpoint.when(ConditionType.Valid, Status.True, Reason.Recording);
  }

  @Test
  void aDiskThatCannotBeCarriedOverCostsNoOther() {
    FakeSidecar sidecar = cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda", "vdb");
    TestCheckpoint checkpoint = cluster.apply("in-part", "db-0").whenReady();
    String before = checkpoint.epoch("vda");
    AtomicBoolean readOnly = new AtomicBoolean(true);
    sidecar.beforeEachRenew(
        () -> {
          boolean isAsked =
              sidecar.renewals().getLast().disks().stream()
                  .anyMatch(disk -> disk.name().equals("vdb"));
          if (readOnly.get() && isAsked) {
            throw FakeSidecar.problem(ErrorCode.DiskIneligible, "disk vdb is read-only");
          }
        });

    machine.restart();

    checkpoint.when("in part", now -> now.disks().getLast().reason() == Reason.DiskIneligible);
    assertThat(checkpoint.disk("vda").state()).isEqualTo(DiskState.Recording);
    assertThat(checkpoint.epoch("vda")).isNotEqualTo(before).isIn(machine.epochs("vda"));
    assertThat(checkpoint.disk("vdb").state()).isEqualTo(DiskState.Unknown);
    readOnly.set(false);
    checkpoint.when(ConditionType.Valid, Status.True, Reason.Recording);
  }

  @Test
  void anOverlayWithoutTheBitmapIsUnknownUntilItIsCommitted() {
    cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda");
    TestCheckpoint checkpoint = cluster.apply("overlay", "db-0").whenReady();

    machine.putOverlay("vda");
    checkpoint.when("covered", now -> now.disks().getFirst().reason() == Reason.OverlayOnTop);
    machine.commitOverlay("vda");

    checkpoint.when(ConditionType.Valid, Status.True, Reason.Recording);
  }

  @Test
  void anOverlayThatCarriesTheBitmapAlongIsMergedAndRecorded() {
    FakeSidecar sidecar = cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda");
    TestCheckpoint checkpoint = cluster.apply("carried", "db-0").whenReady();
    machine.put("vda", checkpoint.bitmap("vda"), 65_536);
    checkpoint.when("dirty", now -> Objects.equals(now.disks().getFirst().dirtyBytes(), 65_536L));

    machine.putOverlay("vda", checkpoint.bitmap("vda"));

    checkpoint.when(
        "on the overlay",
        now ->
            now.disks().getFirst().state() == DiskState.Recording
                && Objects.requireNonNull(now.disks().getFirst().image())
                    .file()
                    .endsWith(".overlay"));
    assertThat(sidecar.renewals())
        .singleElement()
        .satisfies(
            renewal ->
                assertThat(renewal.disks().getFirst().merge())
                    .containsExactly(checkpoint.bitmap("vda")));
    assertThat(checkpoint.disk("vda").dirtyBytes()).isEqualTo(65_536L);

    machine.commitOverlay("vda");
    checkpoint.when(
        "on the image again",
        now ->
            now.disks().getFirst().state() == DiskState.Recording
                && !Objects.requireNonNull(now.disks().getFirst().image())
                    .file()
                    .endsWith(".overlay"));
  }

  private static void refuseRenewals(FakeSidecar sidecar, AtomicBoolean asLongAs) {
    sidecar.beforeNextRenew(
        () -> {
          if (asLongAs.get()) {
            refuseRenewals(sidecar, asLongAs);
            throw FakeSidecar.problem(ErrorCode.Refused, "QEMU said no");
          }
        });
  }

  private void stop(TestCheckpoint... checkpoints) {
    cluster.deletePod("db-0");
    for (TestCheckpoint checkpoint : checkpoints) {
      checkpoint.when(ConditionType.Valid, Status.Unknown, Reason.DisksUnknown);
    }
  }

  private void start(FakeMachine machine) {
    machine.restart();
    cluster.startAgain("db-0", machine);
  }
}
