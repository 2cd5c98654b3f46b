package dev.vmcheckpoint.controller;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.api.VirtualMachineCheckpoint;
import dev.vmcheckpoint.controller.fixture.FakeMachine;
import dev.vmcheckpoint.controller.fixture.FakeSidecar;
import dev.vmcheckpoint.controller.fixture.Pause;
import dev.vmcheckpoint.controller.fixture.TestCheckpoint;
import dev.vmcheckpoint.controller.fixture.TestCluster;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A leader is paused in the middle, another one takes over, and the first wakes up. */
final class TwoLeadersIT {
  @RegisterExtension static final TestCluster CLUSTER = new TestCluster();

  private final Pause pause = new Pause();
  private final OperatorProcess paused = OperatorProcess.start(CLUSTER);

  @AfterEach
  void stop() {
    pause.end();
    paused.close();
  }

  @Test
  void aCreationThatItSendsThenIsRefused() {
    FakeSidecar sidecar = CLUSTER.startSidecar();
    FakeMachine machine = CLUSTER.startMachine("db-0", "vda");
    sidecar.beforeNextEnsure(pause);
    TestCheckpoint checkpoint = CLUSTER.apply("sent", "db-0");
    pause.whenBegun();
    try (OperatorProcess _ = takeOver()) {
      checkpoint.whenReady();
      VirtualMachineCheckpoint before = checkpoint.get().orElseThrow();

      pause.end();

      assertNothingChanges(sidecar, machine, checkpoint, before);
    }
  }

  @Test
  void aStatusThatItWritesThenIsRefused() {
    FakeSidecar sidecar = CLUSTER.startSidecar();
    FakeMachine machine = CLUSTER.startMachine("db-0", "vda");
    sidecar.afterNextEnsure(pause);
    TestCheckpoint checkpoint = CLUSTER.apply("answered", "db-0");
    pause.whenBegun();
    try (OperatorProcess _ = takeOver()) {
      checkpoint.whenReady();
      VirtualMachineCheckpoint before = checkpoint.get().orElseThrow();

      pause.end();

      TestCluster.awaitThat(
          "its status",
          () -> paused.calls().writesTo("/answered/status").contains("PATCH /answered/status"));
      assertNothingChanges(sidecar, machine, checkpoint, before);
    }
  }

  @Test
  void aRemovalThatItSendsThenIsRefusedAndTouchesNoSuccessor() {
    FakeSidecar sidecar = CLUSTER.startSidecar();
    FakeMachine machine = CLUSTER.startMachine("db-0", "vda");
    TestCheckpoint checkpoint = CLUSTER.apply("same-name", "db-0").whenReady();
    sidecar.beforeRemove(pause);
    checkpoint.delete();
    pause.whenBegun();
    sidecar.heal();
    try (OperatorProcess _ = takeOver()) {
      checkpoint.whenGone();
      TestCheckpoint successor = CLUSTER.apply("same-name", "db-0").whenReady();
      VirtualMachineCheckpoint before = successor.get().orElseThrow();

      pause.end();

      assertNothingChanges(sidecar, machine, successor, before);
    }
  }

  private OperatorProcess takeOver() {
    // Of a process that is paused, the elector is as well: else it could take its lease back.
    paused.calls().beforeEachOfLease(pause);
    CLUSTER.letLeaseRunOut();
    return OperatorProcess.start(CLUSTER);
  }

  private static void assertNothingChanges(
      FakeSidecar sidecar,
      FakeMachine machine,
      TestCheckpoint checkpoint,
      VirtualMachineCheckpoint before) {
    int looks = sidecar.looks();
    TestCluster.awaitThat("four looks", () -> sidecar.looks() >= looks + 4);
    assertThat(checkpoint.get().orElseThrow().getMetadata().getResourceVersion())
        .isEqualTo(before.getMetadata().getResourceVersion());
    assertThat(machine.bitmapsOf(checkpoint.uid(), "vda"))
        .containsExactly(checkpoint.bitmap("vda"));
  }
}
