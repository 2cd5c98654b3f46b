package dev.vmcheckpoint.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.e2e.fixture.Checkpoint;
import dev.vmcheckpoint.e2e.fixture.Cluster;
import dev.vmcheckpoint.e2e.fixture.Disk;
import dev.vmcheckpoint.e2e.fixture.Installation;
import dev.vmcheckpoint.e2e.fixture.Installation.Outage;
import dev.vmcheckpoint.e2e.fixture.Installation.Program;
import dev.vmcheckpoint.e2e.fixture.RunningMachine;
import dev.vmcheckpoint.e2e.fixture.VirtualMachine;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * What a user sees when a part of the system fails. Where it fails in the middle of a creation,
 * QEMU is held up inside of the very transaction that adds the bitmaps.
 */
class PartsFailE2E {
  @RegisterExtension static final Cluster CLUSTER = new Cluster("parts-fail");

  private static final String BOTH_DISKS = "disks: [{name: vda}, {name: vdb}]";

  private final Installation installation = new Installation(CLUSTER);

  @Test
  void noSidecarRunsOnTheNode() {
    start("vm-no-sidecar");
    Checkpoint checkpoint;

    try (Outage _ = installation.withoutSidecar()) {
      checkpoint = Checkpoint.apply(CLUSTER, "vm-no-sidecar", "vm-no-sidecar", BOTH_DISKS);
      checkpoint.whenNotReadyFor("NoSidecar");
    }

    checkpoint.whenReady();
  }

  @Test
  void theSidecarCannotBeReached() {
    start("vm-cut-off");
    Checkpoint checkpoint;

    try (Outage _ = installation.sidecarCutOff()) {
      checkpoint = Checkpoint.apply(CLUSTER, "vm-cut-off", "vm-cut-off", BOTH_DISKS);
      checkpoint.whenNotReadyFor("SidecarUnreachable");
    }

    checkpoint.whenReady();
  }

  @Test
  void theSidecarIsKilledInTheMiddleOfACreation() {
    RunningMachine machine = start("vm-sidecar-dies");
    Checkpoint checkpoint = applyAndHoldUp(machine, "vm-sidecar-dies");

    installation.kill(Program.SIDECAR);

    checkpoint.whenReady();
    assertOneBitmapPerDisk(machine, checkpoint);
  }

  @Test
  void theApiServerIsRestartedInTheMiddleOfACreation() {
    RunningMachine machine = start("vm-api-restarts");
    Checkpoint checkpoint = applyAndHoldUp(machine, "vm-api-restarts");

    CLUSTER.restartApiServer();

    checkpoint.whenReady();
    assertOneBitmapPerDisk(machine, checkpoint);
  }

  @Test
  void checkpointsAreMadeAfterTheApiServerWasRestartedAgainAndAgain() {
    RunningMachine machine = start("vm-api-flaps");

    for (int i = 0; i < 3; i++) {
      CLUSTER.restartApiServer();
    }

    Checkpoint checkpoint =
        Checkpoint.apply(CLUSTER, "vm-api-flaps", "vm-api-flaps", BOTH_DISKS).whenReady();
    assertOneBitmapPerDisk(machine, checkpoint);
  }

  @Test
  void qemuIsKilledInTheMiddleOfACreation() {
    RunningMachine machine = start("vm-qemu-dies");
    Checkpoint checkpoint = applyAndHoldUp(machine, "vm-qemu-dies");

    machine.qemu().destroyForcibly();

    checkpoint.whenNotReadyFor("VirtualMachineNotRunning");
    machine.delete();
    RunningMachine successor = start("vm-qemu-dies");
    checkpoint.whenReady();
    assertOneBitmapPerDisk(successor, checkpoint);
  }

  @Test
  void aCheckpointDeletedInTheMiddleOfItsCreationLeavesNothing() {
    RunningMachine machine = start("vm-deleted");
    Checkpoint checkpoint = applyAndHoldUp(machine, "vm-deleted");

    checkpoint.delete();

    assertThat(machine.bitmaps("vda")).isEmpty();
    assertThat(machine.bitmaps("vdb")).isEmpty();
  }

  @Test
  void anIncompleteLeftoverOfTheSameCheckpointIsRemovedFirst() throws IOException {
    RunningMachine machine = start("vm-incomplete");
    Checkpoint checkpoint;
    String leftover;

    try (var _ = machine.occupyMonitor()) {
      checkpoint = applyAtBusyMonitor("vm-incomplete");
      leftover = bitmapName(checkpoint, "vda");
      machine.addBitmap("vda", leftover);
    }

    checkpoint.whenReady();
    assertOneBitmapPerDisk(machine, checkpoint);
    assertThat(machine.bitmapsOf(checkpoint.uid(), "vda")).doesNotContain(leftover);
  }

  @Test
  void aCompleteLeftoverOfTheSameCheckpointIsAdopted() throws IOException {
    RunningMachine machine = start("vm-complete");
    Checkpoint checkpoint;

    try (var _ = machine.occupyMonitor()) {
      checkpoint = applyAtBusyMonitor("vm-complete");
      machine.addBitmap("vda", bitmapName(checkpoint, "vda"));
      machine.addBitmap("vdb", bitmapName(checkpoint, "vdb"));
    }

    checkpoint.whenReady();
    assertOneBitmapPerDisk(machine, checkpoint);
    assertThat(checkpoint.bitmap("vda")).isEqualTo(bitmapName(checkpoint, "vda"));
    assertThat(checkpoint.bitmap("vdb")).isEqualTo(bitmapName(checkpoint, "vdb"));
  }

  private static RunningMachine start(String name) {
    return RunningMachine.start(
        CLUSTER,
        VirtualMachine.named(name, Disk.qcow2("vda"), Disk.qcow2("vdb"), Disk.slow("slow")));
  }

  private static Checkpoint applyAndHoldUp(RunningMachine machine, String name) {
    machine.writeSlowlyTo("slow");
    Checkpoint checkpoint = Checkpoint.apply(CLUSTER, name, name, BOTH_DISKS);
    machine.whenHeldUp();
    assertThat(checkpoint.status().has("creationTime")).isFalse();
    return checkpoint;
  }

  private static Checkpoint applyAtBusyMonitor(String name) {
    Checkpoint checkpoint = Checkpoint.apply(CLUSTER, name, name, BOTH_DISKS);
    checkpoint.whenNotReadyFor("MonitorBusy");
    return checkpoint;
  }

  /** What an earlier attempt of this checkpoint may have called its bitmap. */
  private static String bitmapName(Checkpoint checkpoint, String disk) {
    return "vmcp-%s.earlier.%s".formatted(checkpoint.uid(), disk);
  }

  private static void assertOneBitmapPerDisk(RunningMachine machine, Checkpoint checkpoint) {
    for (String disk : List.of("vda", "vdb")) {
      assertThat(machine.bitmapsOf(checkpoint.uid(), disk))
          .containsExactly(checkpoint.bitmap(disk));
    }
  }
}
