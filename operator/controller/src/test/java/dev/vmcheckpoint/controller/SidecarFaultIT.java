package dev.vmcheckpoint.controller;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.api.Condition.Status;
import dev.vmcheckpoint.api.ConditionType;
import dev.vmcheckpoint.api.DiskState;
import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.controller.fixture.FakeMachine;
import dev.vmcheckpoint.controller.fixture.FakeSidecar;
import dev.vmcheckpoint.controller.fixture.Pause;
import dev.vmcheckpoint.controller.fixture.TestCheckpoint;
import dev.vmcheckpoint.controller.fixture.TestCluster;
import dev.vmcheckpoint.node.NodeApiException;
import java.io.IOException;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** The sidecar is killed between two steps, and started again. */
final class SidecarFaultIT extends WithOperator {

  @Test
  void creatingBeforeQemuIsAsked() {
    FakeSidecar sidecar = cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda");
    sidecar.beforeNextEnsure(() -> kill(sidecar));

    TestCheckpoint checkpoint = cluster.apply("not-asked", "db-0").whenReady();

    assertThat(machine.bitmapsOf(checkpoint.uid(), "vda"))
        .containsExactly(checkpoint.bitmap("vda"));
  }

  @Test
  void creatingAfterQemuDidIt() {
    FakeSidecar sidecar = cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda");
    String[] made = new String[1];
    TestCheckpoint checkpoint = new TestCheckpoint(cluster, cluster.namespace(), "done");
    sidecar.afterNextEnsure(
        () -> {
          made[0] = machine.bitmapsOf(checkpoint.uid(), "vda").getFirst();
          kill(sidecar);
        });

    cluster.apply("done", "db-0").whenReady();

    assertThat(checkpoint.bitmap("vda")).isEqualTo(made[0]);
    assertThat(machine.bitmapsOf(checkpoint.uid(), "vda")).containsExactly(made[0]);
  }

  @Test
  void deletingBeforeQemuIsAsked() {
    FakeSidecar sidecar = cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda");
    TestCheckpoint checkpoint = cluster.apply("keeps", "db-0").whenReady();
    String uid = checkpoint.uid();
    sidecar.beforeRemove(
        () -> {
          sidecar.heal();
          kill(sidecar);
        });

    checkpoint.delete();
    checkpoint.whenGone();

    assertThat(machine.bitmapsOf(uid, "vda")).isEmpty();
    checkpoint.whenTold(Reason.BitmapsRemoved);
  }

  @Test
  void deletingAfterQemuDidIt() {
    FakeSidecar sidecar = cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda");
    TestCheckpoint checkpoint = cluster.apply("removed", "db-0").whenReady();
    String uid = checkpoint.uid();
    sidecar.afterNextRemove(() -> kill(sidecar));

    checkpoint.delete();
    checkpoint.whenGone();

    assertThat(machine.bitmapsOf(uid, "vda")).isEmpty();
    checkpoint.whenTold(Reason.BitmapsRemoved);
  }

  @Test
  void verifyingWithoutAnAnswerIsUnknownAndNoLoss() {
    FakeSidecar sidecar = cluster.startSidecar();
    cluster.startMachine("db-0", "vda");
    TestCheckpoint checkpoint = cluster.apply("silent", "db-0").whenReady();
    sidecar.beforeObserve(() -> kill(sidecar));

    checkpoint.when(ConditionType.Valid, Status.Unknown, Reason.DisksUnknown);
    assertThat(checkpoint.disk("vda").reason()).isEqualTo(Reason.SidecarUnreachable);
    assertThat(checkpoint.disk("vda").message()).endsWith("does not answer");
    assertThat(checkpoint.condition(ConditionType.Ready).status()).isEqualTo(Status.True);
    checkpoint.whenTold(Reason.DisksUnknown);
    sidecar.heal();

    checkpoint.when(ConditionType.Valid, Status.True, Reason.Recording);
  }

  @Test
  void verifyingAfterARenewalIsDoneIntoTheSameOpening() {
    FakeSidecar sidecar = cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda");
    TestCheckpoint checkpoint = cluster.apply("renewed", "db-0").whenReady();
    String recorded = Objects.requireNonNull(checkpoint.disk("vda").epoch());
    sidecar.afterNextRenew(() -> kill(sidecar));

    machine.restart();

    checkpoint.when(
        "renewed",
        now ->
            !recorded.equals(now.disks().getFirst().epoch())
                && now.disks().getFirst().state() == DiskState.Recording);
    assertThat(checkpoint.disk("vda").epoch()).isIn(machine.epochs("vda"));
  }

  @Test
  void aLookThatBeganBeforeTheCreationAndComesAfterItIsNoVerdict() {
    FakeSidecar sidecar = cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda");
    Pause creation = new Pause();
    Pause look = new Pause();
    sidecar.beforeNextEnsure(creation);
    TestCheckpoint checkpoint = cluster.apply("early-look", "db-0");
    creation.whenBegun();
    sidecar.afterNextObserve(look);
    look.whenBegun();
    assertThat(machine.bitmapsOf(checkpoint.uid(), "vda")).isEmpty();
    creation.end();
    checkpoint.whenReady();

    look.end();

    int looks = sidecar.looks();
    TestCluster.awaitThat("three looks", () -> sidecar.looks() >= looks + 3);
    assertThat(checkpoint.disk("vda").state()).isEqualTo(DiskState.Recording);
  }

  private static void kill(FakeSidecar sidecar) {
    sidecar.restart();
    throw new NodeApiException.NoAnswer("the connection broke", new IOException());
  }
}
