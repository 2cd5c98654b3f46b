package dev.vmcheckpoint.controller;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.api.Condition.Status;
import dev.vmcheckpoint.api.ConditionType;
import dev.vmcheckpoint.api.DiskState;
import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.controller.fixture.FakeMachine;
import dev.vmcheckpoint.controller.fixture.FakeSidecar;
import dev.vmcheckpoint.controller.fixture.LeftoverRecords;
import dev.vmcheckpoint.controller.fixture.TestCheckpoint;
import dev.vmcheckpoint.controller.fixture.TestCluster;
import dev.vmcheckpoint.node.NodeApiException;
import java.io.IOException;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The operator is killed between two steps, and another one follows. */
final class OperatorCrashIT {
  @RegisterExtension static final TestCluster CLUSTER = new TestCluster();
  private static final LeftoverRecords RECORDS = new LeftoverRecords(CLUSTER);

  private final CountDownLatch killed = new CountDownLatch(1);
  private OperatorProcess operator = OperatorProcess.start(CLUSTER);

  @AfterEach
  void stopOperator() {
    operator.close();
    RECORDS.clear();
  }

  @Test
  void creatingBeforeTheFinalizer() {
    FakeSidecar sidecar = CLUSTER.startSidecar();
    FakeMachine machine = CLUSTER.startMachine("db-0", "vda");
    operator.calls().beforeFinalizerOf("finalizer", this::kill);

    TestCheckpoint checkpoint = CLUSTER.apply("finalizer", "db-0");
    followUp();

    checkpoint.whenReady();
    assertThat(sidecar.creations()).isEqualTo(1);
    assertOneBitmap(machine, checkpoint);
  }

  @Test
  void creatingBeforeTheCall() {
    FakeSidecar sidecar = CLUSTER.startSidecar();
    FakeMachine machine = CLUSTER.startMachine("db-0", "vda");
    sidecar.beforeNextEnsure(this::killAndLoseCall);

    TestCheckpoint checkpoint = CLUSTER.apply("call", "db-0");
    followUp();

    checkpoint.whenReady();
    assertOneBitmap(machine, checkpoint);
  }

  @Test
  void creatingAfterTheBitmapsWereMadeAndBeforeTheStatus() {
    FakeSidecar sidecar = CLUSTER.startSidecar();
    FakeMachine machine = CLUSTER.startMachine("db-0", "vda");
    sidecar.afterNextEnsure(this::kill);

    TestCheckpoint checkpoint = CLUSTER.apply("status", "db-0");
    String uid = checkpoint.uid();
    TestCluster.awaitThat("the creation", () -> machine.bitmapsOf(uid, "vda").size() == 1);
    String made = machine.bitmapsOf(uid, "vda").getFirst();
    followUp();

    checkpoint.whenReady();
    assertThat(checkpoint.bitmap("vda")).isEqualTo(made);
    assertOneBitmap(machine, checkpoint);
  }

  @Test
  void deletingBeforeTheCall() {
    FakeSidecar sidecar = CLUSTER.startSidecar();
    FakeMachine machine = CLUSTER.startMachine("db-0", "vda");
    TestCheckpoint checkpoint = CLUSTER.apply("removal", "db-0").whenReady();
    String uid = checkpoint.uid();
    sidecar.beforeRemove(
        () -> {
          sidecar.heal();
          killAndLoseCall();
        });

    checkpoint.delete();
    followUp();

    checkpoint.whenGone();
    assertThat(machine.bitmapsOf(uid, "vda")).isEmpty();
    assertThat(RECORDS.of(uid)).isEmpty();
  }

  @Test
  void deletingAfterTheRemovalAndBeforeTheFinalizerIsReleased() {
    CLUSTER.startSidecar();
    FakeMachine machine = CLUSTER.startMachine("db-0", "vda");
    TestCheckpoint checkpoint = CLUSTER.apply("release", "db-0").whenReady();
    String uid = checkpoint.uid();
    operator.calls().beforeFinalizerOf("release", this::kill);

    checkpoint.delete();
    followUp();

    checkpoint.whenGone();
    assertThat(machine.bitmapsOf(uid, "vda")).isEmpty();
    assertThat(RECORDS.of(uid)).isEmpty();
  }

  @Test
  void deletingAfterTheRecordOfALeftoverAndBeforeTheFinalizerIsReleased() {
    CLUSTER.startSidecar();
    FakeMachine machine = CLUSTER.startMachine("db-0", "vda");
    TestCheckpoint checkpoint = CLUSTER.apply("recorded", "db-0").whenReady();
    String uid = checkpoint.uid();
    CLUSTER.deletePod("db-0");
    checkpoint.whenOutOfSight();
    operator.calls().beforeFinalizerOf("recorded", this::kill);

    checkpoint.delete();
    TestCluster.awaitThat("the record", () -> RECORDS.of(uid).isPresent());
    followUp();
    checkpoint.whenGone();
    CLUSTER.startAgain("db-0", machine);

    TestCluster.awaitThat("the sweep", () -> machine.bitmapsOf(uid, "vda").isEmpty());
  }

  @Test
  void verifyingAfterTheLookAndBeforeTheStatus() {
    CLUSTER.startSidecar();
    FakeMachine machine = CLUSTER.startMachine("db-0", "vda", "vdb");
    TestCheckpoint checkpoint = CLUSTER.apply("lost", "db-0").whenReady();
    operator.calls().beforeNextStatusOf("lost", this::kill);

    machine.lose("vda", checkpoint.bitmap("vda"));
    followUp();

    checkpoint.when(ConditionType.Valid, Status.False, Reason.DisksLost);
    assertThat(checkpoint.disk("vda").state()).isEqualTo(DiskState.Lost);
    assertThat(checkpoint.disk("vdb").state()).isEqualTo(DiskState.Recording);
  }

  @Test
  void verifyingAfterTheStatusAndBeforeWhatIsLeftOfALostDiskIsRemoved() {
    FakeSidecar sidecar = CLUSTER.startSidecar();
    FakeMachine machine = CLUSTER.startMachine("db-0", "vda");
    TestCheckpoint checkpoint = CLUSTER.apply("tidy", "db-0").whenReady();
    sidecar.beforeRemove(
        () -> {
          sidecar.heal();
          killAndLoseCall();
        });

    machine.breakBitmap("vda", checkpoint.bitmap("vda"));
    checkpoint.when(ConditionType.Valid, Status.False, Reason.DisksLost);
    followUp();

    TestCluster.awaitThat(
        "the removal", () -> machine.bitmapsOf(checkpoint.uid(), "vda").isEmpty());
    assertThat(checkpoint.disk("vda").state()).isEqualTo(DiskState.Lost);
  }

  @Test
  void verifyingAfterARenewalAndBeforeTheStatus() {
    FakeSidecar sidecar = CLUSTER.startSidecar();
    FakeMachine machine = CLUSTER.startMachine("db-0", "vda");
    TestCheckpoint checkpoint = CLUSTER.apply("renewed", "db-0").whenReady();
    String recorded = Objects.requireNonNull(checkpoint.disk("vda").epoch());
    sidecar.afterNextRenew(this::kill);

    machine.restart();
    followUp();

    checkpoint.when("renewed", now -> !recorded.equals(now.disks().getFirst().epoch()));
    assertThat(checkpoint.disk("vda").state()).isEqualTo(DiskState.Recording);
    assertThat(checkpoint.disk("vda").epoch()).isIn(machine.epochs("vda"));
  }

  private void kill() {
    operator.calls().cut();
    killed.countDown();
  }

  private void killAndLoseCall() {
    kill();
    throw new NodeApiException.NoAnswer("the caller is no more", new IOException());
  }

  private void followUp() {
    TestCluster.awaitThat("the kill", () -> killed.getCount() == 0);
    operator.crash();
    operator = OperatorProcess.start(CLUSTER);
  }

  private static void assertOneBitmap(FakeMachine machine, TestCheckpoint checkpoint) {
    assertThat(machine.bitmapsOf(checkpoint.uid(), "vda"))
        .containsExactly(checkpoint.bitmap("vda"));
  }
}
