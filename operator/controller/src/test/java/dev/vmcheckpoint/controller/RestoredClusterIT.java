package dev.vmcheckpoint.controller;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.api.Condition.Status;
import dev.vmcheckpoint.api.ConditionType;
import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.api.VirtualMachineCheckpoint;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus;
import dev.vmcheckpoint.controller.fixture.FakeMachine;
import dev.vmcheckpoint.controller.fixture.FakeSidecar;
import dev.vmcheckpoint.controller.fixture.TestCheckpoint;
import dev.vmcheckpoint.controller.fixture.TestCluster;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * The API server's data went back in time, or came from elsewhere, while machines and sidecars went
 * on: absence of a resource is no evidence that its bitmaps are garbage.
 */
final class RestoredClusterIT {
  @RegisterExtension static final TestCluster CLUSTER = new TestCluster();

  private OperatorProcess operator = OperatorProcess.start(CLUSTER);

  @AfterEach
  void stopOperator() {
    operator.close();
  }

  @Test
  void bitmapsOfACheckpointThatIsNotInARestoredEtcdStay() {
    FakeSidecar sidecar = CLUSTER.startSidecar();
    FakeMachine machine = CLUSTER.startMachine("db-0", "vda");
    CLUSTER.apply("older-than-the-backup", "db-0").whenReady();
    TestCheckpoint younger = CLUSTER.apply("younger-than-the-backup", "db-0").whenReady();
    String uid = younger.uid();

    operator.close();
    younger.forceFinalizersAway();
    younger.delete();
    operator = OperatorProcess.start(CLUSTER);

    whenLookedAtSixTimes(sidecar);
    assertThat(machine.bitmapsOf(uid, "vda")).hasSize(1);
  }

  @Test
  void aCheckpointThatIsNotEstablishedInARestoredEtcdTakesItsBitmapsOver() {
    FakeSidecar sidecar = CLUSTER.startSidecar();
    FakeMachine machine = CLUSTER.startMachine("db-0", "vda");
    operator.close();
    TestCheckpoint checkpoint = CLUSTER.applyWithFinalizer("in-the-making", "db-0");
    String bitmap = "vmcp-%s.attempt.vda".formatted(checkpoint.uid());
    machine.put("vda", bitmap, 65_536);

    operator = OperatorProcess.start(CLUSTER);

    checkpoint.whenReady();
    assertThat(checkpoint.bitmap("vda")).isEqualTo(bitmap);
    assertThat(sidecar.creations()).isEqualTo(1);
  }

  @Test
  void aCheckpointThatWasDeletedSinceTheBackupIsLostAndNotMadeAnew() {
    FakeSidecar sidecar = CLUSTER.startSidecar();
    FakeMachine machine = CLUSTER.startMachine("db-0", "vda");
    TestCheckpoint checkpoint = CLUSTER.apply("deleted-since", "db-0").whenReady();
    operator.close();
    machine.lose("vda", checkpoint.bitmap("vda"));

    operator = OperatorProcess.start(CLUSTER);

    checkpoint.when(ConditionType.Valid, Status.False, Reason.DisksLost);
    assertThat(sidecar.creations()).isEqualTo(1);
  }

  @Test
  void aResourceThatWasRestoredUnderANewUidIsNotBelievedAndTouchesNothing() {
    FakeSidecar sidecar = CLUSTER.startSidecar();
    FakeMachine machine = CLUSTER.startMachine("db-0", "vda");
    TestCheckpoint checkpoint = CLUSTER.apply("restored", "db-0").whenReady();
    String oldUid = checkpoint.uid();
    VirtualMachineCheckpointStatus oldStatus = checkpoint.status();
    operator.close();
    checkpoint.forceFinalizersAway();
    checkpoint.delete();
    checkpoint.whenGone();
    TestCheckpoint restored = CLUSTER.applyWithFinalizer("restored", "db-0");
    VirtualMachineCheckpoint copy = restored.get().orElseThrow();
    copy.setStatus(oldStatus);
    CLUSTER.admin().resource(copy).updateStatus();

    operator = OperatorProcess.start(CLUSTER);

    restored.when(ConditionType.Valid, Status.False, Reason.DisksLost);
    whenLookedAtSixTimes(sidecar);
    assertThat(machine.bitmapsOf(oldUid, "vda")).hasSize(1);
    assertThat(machine.bitmapsOf(restored.uid(), "vda")).isEmpty();
    restored.delete();
    restored.whenGone();
    assertThat(machine.bitmapsOf(oldUid, "vda")).hasSize(1);
  }

  @Test
  void aResourceThatWasRestoredWithoutItsStatusBecomesACheckpointOfItsOwn() {
    CLUSTER.startSidecar();
    FakeMachine machine = CLUSTER.startMachine("db-0", "vda");
    TestCheckpoint checkpoint = CLUSTER.apply("anew", "db-0").whenReady();
    String oldUid = checkpoint.uid();
    operator.close();
    checkpoint.forceFinalizersAway();
    checkpoint.delete();
    checkpoint.whenGone();

    operator = OperatorProcess.start(CLUSTER);
    TestCheckpoint restored = CLUSTER.applyWithFinalizer("anew", "db-0").whenReady();

    assertThat(machine.bitmapsOf(restored.uid(), "vda")).isEqualTo(List.of(restored.bitmap("vda")));
    assertThat(machine.bitmapsOf(oldUid, "vda")).hasSize(1);
  }

  @Test
  void aLeaseThatWentBackInTimeIsMadeAnewSoThatTheNextLeaderIsHeard() {
    FakeSidecar sidecar = CLUSTER.startSidecar();
    FakeMachine machine = CLUSTER.startMachine("db-0", "vda");
    String lease = CLUSTER.lease().get().getMetadata().getUid();
    sidecar.seeTerm(operator.term() + 1);
    TestCluster.awaitNextSecond();

    TestCheckpoint checkpoint = CLUSTER.apply("refused", "db-0");

    TestCluster.awaitThat(
        "the end of the operator", () -> operator.alarms().contains("leadership is lost"));
    assertThat(machine.bitmapsOf(checkpoint.uid(), "vda")).isEmpty();
    assertThat(operator.calls().writesAbout(CLUSTER.namespace(), "refused"))
        .containsExactly("PATCH");
    operator.close();
    operator = OperatorProcess.start(CLUSTER);
    checkpoint.whenReady();
    assertThat(CLUSTER.lease().get().getMetadata().getUid()).isNotEqualTo(lease);
  }

  private static void whenLookedAtSixTimes(FakeSidecar sidecar) {
    int looks = sidecar.looks();
    TestCluster.awaitThat("six looks", () -> sidecar.looks() >= looks + 6);
  }
}
