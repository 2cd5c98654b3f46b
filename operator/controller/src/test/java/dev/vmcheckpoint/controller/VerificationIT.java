package dev.vmcheckpoint.controller;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.api.Condition;
import dev.vmcheckpoint.api.Condition.Status;
import dev.vmcheckpoint.api.ConditionType;
import dev.vmcheckpoint.api.DiskState;
import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.controller.fixture.FakeMachine;
import dev.vmcheckpoint.controller.fixture.FakeSidecar;
import dev.vmcheckpoint.controller.fixture.TestCheckpoint;
import dev.vmcheckpoint.controller.fixture.TestCluster;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** What is said about an established checkpoint as time goes by. */
final class VerificationIT extends WithOperator {
  @Test
  void nothingIsWrittenWhileNothingChanges() {
    FakeSidecar sidecar = cluster.startSidecar();
    cluster.startMachine("db-0", "vda");
    TestCheckpoint checkpoint = cluster.apply("quiet", "db-0").whenReady();
    checkpoint.whenTold(Reason.Established);
    long writes = operator.calls().writesInto(cluster.namespace());

    int looks = sidecar.looks();
    TestCluster.awaitThat("four polls", () -> sidecar.looks() >= looks + 4);

    assertThat(operator.calls().writesInto(cluster.namespace())).isEqualTo(writes);
  }

  @Test
  void aBitmapThatIsGoneIsLostForEverAndNeverMadeAnew() {
    FakeSidecar sidecar = cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda", "vdb");
    TestCheckpoint checkpoint = cluster.apply("lost", "db-0").whenReady();
    String bitmap = checkpoint.bitmap("vda");

    machine.lose("vda", bitmap);
    checkpoint.when(ConditionType.Valid, Status.False, Reason.DisksLost);
    machine.put("vda", bitmap, 0);
    checkpoint.requestProbe("after");
    checkpoint.when("probed", now -> "after".equals(now.lastHandledProbeAt()));

    assertThat(checkpoint.disk("vda").state()).isEqualTo(DiskState.Lost);
    assertThat(checkpoint.disk("vdb").state()).isEqualTo(DiskState.Recording);
    assertThat(checkpoint.condition(ConditionType.Ready).status()).isEqualTo(Status.False);
    assertThat(sidecar.creations()).isEqualTo(1);
    checkpoint.whenTold(Reason.DisksLost);
  }

  @Test
  void aProbeCountsExactlyAndLeavesReadyAsItWas() {
    cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda");
    TestCheckpoint checkpoint = cluster.apply("probe", "db-0").whenReady();
    Condition ready = checkpoint.condition(ConditionType.Ready);
    machine.put("vda", checkpoint.bitmap("vda"), 65_536);
    checkpoint.when("dirty", now -> Objects.equals(now.disks().getFirst().dirtyBytes(), 65_536L));
    machine.put("vda", checkpoint.bitmap("vda"), 65_536 + 4_096);

    checkpoint.requestProbe("now");

    checkpoint.when("probed", now -> "now".equals(now.lastHandledProbeAt()));
    assertThat(checkpoint.disk("vda").dirtyBytes()).isEqualTo(65_536 + 4_096);
    assertThat(checkpoint.condition(ConditionType.Ready)).isEqualTo(ready);
  }

  @Test
  void aMachineThatIsGoneMakesTheCheckpointUnknownAndComesBack() {
    cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda");
    TestCheckpoint checkpoint = cluster.apply("gone", "db-0").whenReady();

    cluster.deletePod("db-0");
    checkpoint.when(ConditionType.Valid, Status.Unknown, Reason.DisksUnknown);
    assertThat(checkpoint.disk("vda").reason()).isEqualTo(Reason.VirtualMachineNotFound);
    assertThat(checkpoint.condition(ConditionType.Ready).status()).isEqualTo(Status.True);

    cluster.startAgain("db-0", machine);
    checkpoint.when(ConditionType.Valid, Status.True, Reason.Recording);
  }

  @Test
  void aPollThatFailsIsNotTheLast() {
    FakeSidecar sidecar = cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda");
    TestCheckpoint checkpoint = cluster.apply("failing-poll", "db-0").whenReady();
    int[] failures = new int[1];
    sidecar.beforeObserve(
        () -> {
          failures[0]++;
          throw new IllegalStateException("nobody expects this");
        });
    TestCluster.awaitThat("failures", () -> failures[0] >= 2);

    sidecar.heal();
    machine.lose("vda", checkpoint.bitmap("vda"));

    checkpoint.when(ConditionType.Valid, Status.False, Reason.DisksLost);
  }
}
