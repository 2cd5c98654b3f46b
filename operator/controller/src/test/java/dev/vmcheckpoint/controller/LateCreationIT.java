package dev.vmcheckpoint.controller;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.vmcheckpoint.api.Condition.Status;
import dev.vmcheckpoint.api.ConditionType;
import dev.vmcheckpoint.api.DiskState;
import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.controller.fixture.FakeMachine;
import dev.vmcheckpoint.controller.fixture.FakeSidecar;
import dev.vmcheckpoint.controller.fixture.FakeSidecar.LateCreation;
import dev.vmcheckpoint.controller.fixture.LeftoverRecords;
import dev.vmcheckpoint.controller.fixture.TestCheckpoint;
import dev.vmcheckpoint.controller.fixture.TestCluster;
import dev.vmcheckpoint.node.ErrorCode;
import dev.vmcheckpoint.node.NodeApiException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A creation that runs when nobody waits for it any more. */
final class LateCreationIT {
  @RegisterExtension static final TestCluster CLUSTER = new TestCluster();
  private static final LeftoverRecords RECORDS = new LeftoverRecords(CLUSTER);

  private OperatorProcess operator = OperatorProcess.start(CLUSTER);

  @AfterEach
  void stopOperator() {
    operator.close();
    RECORDS.clear();
  }

  @Test
  void afterTheDeletionWhatItMakesIsSwept() {
    FakeSidecar sidecar = CLUSTER.startSidecar();
    FakeMachine machine = CLUSTER.startMachine("db-0", "vda");
    LateCreation late = sidecar.delayNextEnsure();
    TestCheckpoint checkpoint = new TestCheckpoint(CLUSTER, CLUSTER.namespace(), "deleted");
    operator.calls().beforeNextStatusOf("deleted", checkpoint::delete);
    String uid = CLUSTER.uidOfApplied("deleted", "db-0");
    checkpoint.whenGone();
    assertThat(RECORDS.of(uid)).isPresent();
    assertThat(operator.calls().writesTo("/configmaps", "/deleted"))
        .containsExactly("PATCH /deleted", "POST /configmaps", "PATCH /deleted");

    assertThat(late.begin().disks()).hasSize(1);

    TestCluster.awaitThat("the sweep", () -> machine.bitmapsOf(uid, "vda").isEmpty());
    checkpoint.whenTold(Reason.BitmapsLeftBehind);
  }

  @Test
  void afterTheLossItBringsNothingBack() {
    FakeSidecar sidecar = CLUSTER.startSidecar();
    FakeMachine machine = CLUSTER.startMachine("db-0", "vda");
    LateCreation late = sidecar.delayNextEnsure();
    TestCheckpoint checkpoint = CLUSTER.apply("lost", "db-0").whenReady();
    String bitmap = checkpoint.bitmap("vda");
    machine.lose("vda", bitmap);
    checkpoint.when(ConditionType.Valid, Status.False, Reason.DisksLost);

    assertThat(late.begin().disks()).hasSize(1);

    TestCluster.awaitThat(
        "the removal", () -> machine.bitmapsOf(checkpoint.uid(), "vda").isEmpty());
    assertThat(checkpoint.disk("vda").state()).isEqualTo(DiskState.Lost);
    assertThat(checkpoint.bitmap("vda")).isEqualTo(bitmap);
    assertThat(checkpoint.condition(ConditionType.Ready).status()).isEqualTo(Status.False);
  }

  @Test
  void afterTheLossOfOneDiskItCostsNoOther() {
    FakeSidecar sidecar = CLUSTER.startSidecar();
    FakeMachine machine = CLUSTER.startMachine("db-0", "vda", "vdb");
    LateCreation late = sidecar.delayNextEnsure();
    TestCheckpoint checkpoint = CLUSTER.apply("one-lost", "db-0").whenReady();
    String other = checkpoint.bitmap("vdb");
    machine.lose("vda", checkpoint.bitmap("vda"));
    checkpoint.when(ConditionType.Valid, Status.False, Reason.DisksLost);

    assertThatExceptionOfType(NodeApiException.Answered.class)
        .isThrownBy(late::begin)
        .satisfies(
            refused ->
                assertThat(refused.problem().code()).isEqualTo(ErrorCode.StaleObservation.name()));

    checkpoint.requestProbe("after");
    checkpoint.when("probed", now -> "after".equals(now.lastHandledProbeAt()));
    assertThat(checkpoint.disk("vdb").state()).isEqualTo(DiskState.Recording);
    assertThat(machine.bitmapsOf(checkpoint.uid(), "vdb")).containsExactly(other);
    assertThat(machine.bitmapsOf(checkpoint.uid(), "vda")).isEmpty();
  }

  @Test
  void afterTheDeletionWhatItMakesOnTwoDisksIsSwept() {
    FakeSidecar sidecar = CLUSTER.startSidecar();
    FakeMachine machine = CLUSTER.startMachine("db-0", "vda", "vdb");
    LateCreation late = sidecar.delayNextEnsure();
    TestCheckpoint checkpoint = new TestCheckpoint(CLUSTER, CLUSTER.namespace(), "deleted-both");
    operator.calls().beforeNextStatusOf("deleted-both", checkpoint::delete);
    String uid = CLUSTER.uidOfApplied("deleted-both", "db-0");
    checkpoint.whenGone();

    assertThat(late.begin().disks()).hasSize(2);

    TestCluster.awaitThat(
        "the sweep",
        () -> machine.bitmapsOf(uid, "vda").isEmpty() && machine.bitmapsOf(uid, "vdb").isEmpty());
  }

  @Test
  void afterANewerOneItChangesNothing() {
    FakeSidecar sidecar = CLUSTER.startSidecar();
    FakeMachine machine = CLUSTER.startMachine("db-0", "vda", "vdb");
    LateCreation late = sidecar.delayNextEnsure();
    TestCheckpoint checkpoint = CLUSTER.apply("newer", "db-0").whenReady();

    assertThat(late.begin().adopted()).isTrue();

    checkpoint.requestProbe("after");
    checkpoint.when("probed", now -> "after".equals(now.lastHandledProbeAt()));
    assertThat(checkpoint.condition(ConditionType.Valid).status()).isEqualTo(Status.True);
    for (String disk : List.of("vda", "vdb")) {
      assertThat(machine.bitmapsOf(checkpoint.uid(), disk))
          .containsExactly(checkpoint.bitmap(disk));
    }
  }

  @Test
  void thatOfAnEarlierLeaderIsRefusedOnceTheNextOneHasCalled() {
    FakeSidecar sidecar = CLUSTER.startSidecar();
    FakeMachine machine = CLUSTER.startMachine("db-0", "vda");
    LateCreation late = sidecar.delayNextEnsure();
    operator.calls().beforeNextStatusOf("handed-on", operator.calls()::cut);
    TestCheckpoint checkpoint = CLUSTER.apply("handed-on", "db-0");
    String uid = checkpoint.uid();
    TestCluster.awaitThat("the call", late::isSent);
    operator.crash();
    operator = OperatorProcess.start(CLUSTER);
    checkpoint.whenReady();
    checkpoint.delete();
    checkpoint.whenGone();

    assertThatExceptionOfType(NodeApiException.Answered.class)
        .isThrownBy(late::begin)
        .satisfies(
            refused ->
                assertThat(refused.problem().code()).isEqualTo(ErrorCode.StaleLeaderTerm.name()));

    assertThat(machine.bitmapsOf(uid, "vda")).isEmpty();
  }

  @Test
  void thatOfALeaderThatDidNotLiveToTellIsAllowedForWhereTheMachineIsOutOfSight() {
    FakeSidecar sidecar = CLUSTER.startSidecar();
    FakeMachine machine = CLUSTER.startMachine("db-0", "vda");
    sidecar.afterNextEnsure(operator.calls()::cut);
    TestCheckpoint checkpoint = CLUSTER.apply("untold", "db-0");
    String uid = checkpoint.uid();
    TestCluster.awaitThat("the creation", () -> machine.bitmapsOf(uid, "vda").size() == 1);
    operator.crash();
    assertThat(checkpoint.status().disks()).isEmpty();
    CLUSTER.deletePod("db-0");
    operator = OperatorProcess.start(CLUSTER);

    checkpoint.delete();
    checkpoint.whenGone();
    checkpoint.whenTold(Reason.BitmapsLeftBehind);
    assertThat(RECORDS.of(uid)).isPresent();
    CLUSTER.startAgain("db-0", machine);

    TestCluster.awaitThat("the sweep", () -> machine.bitmapsOf(uid, "vda").isEmpty());
  }
}
