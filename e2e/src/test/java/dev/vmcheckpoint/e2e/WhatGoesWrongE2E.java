package dev.vmcheckpoint.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.vmcheckpoint.e2e.fixture.Checkpoint;
import dev.vmcheckpoint.e2e.fixture.Cluster;
import dev.vmcheckpoint.e2e.fixture.Disk;
import dev.vmcheckpoint.e2e.fixture.RunningMachine;
import dev.vmcheckpoint.e2e.fixture.VirtualMachine;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.io.IOException;
import java.nio.channels.SocketChannel;
import org.assertj.core.api.AbstractStringAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What a user sees when something is wrong: a reason, a message that helps, an event, no mess. */
class WhatGoesWrongE2E {
  @RegisterExtension static final Cluster CLUSTER = new Cluster("what-goes-wrong");

  private static final Disk OLD_VERSION = Disk.qcow2("vdb", "-o compat=0.10");

  @Test
  void theVirtualMachineIsNotFound() {
    refused("vm-absent", "VirtualMachineNotFound").contains("vm-absent");
  }

  @Test
  void theVirtualMachinesPodIsNotRunning() {
    RunningMachine.create(
        CLUSTER, VirtualMachine.named("vm-pending", Disk.qcow2("vda")).unschedulable());

    refused("vm-pending", "VirtualMachineNotRunning").contains("vm-pending");
  }

  @Test
  void thePodHasNoVolumeNamedQmp() {
    start(VirtualMachine.named("vm-no-volume", Disk.qcow2("vda")).withVolume("other"));

    refused("vm-no-volume", "NoMonitorVolume").contains("qmp");
  }

  @Test
  void theVolumeHoldsNoSocket() {
    start(VirtualMachine.named("vm-no-socket", Disk.qcow2("vda")).withoutMonitor());

    refused("vm-no-socket", "NoMonitorSocket").contains("qmp.sock");
  }

  @Test
  void nobodyListensOnTheSocket() {
    start(
        VirtualMachine.named("vm-dead-socket", Disk.qcow2("vda"))
            .withoutMonitor()
            .withPreparation(
                "(socat UNIX-LISTEN:/run/qmp/qmp.sock,unlink-close=0,mode=770 /dev/null & pid=$!;"
                    + " until test -S /run/qmp/qmp.sock; do :; done; kill -9 $pid)"));

    refused("vm-dead-socket", "MonitorNotListening");
  }

  @Test
  void theSocketIsNotForTheSidecarToOpen() {
    start(VirtualMachine.named("vm-closed-socket", Disk.qcow2("vda")).withUmask("077"));

    refused("vm-closed-socket", "MonitorPermissionDenied").contains("fsGroup");
  }

  @Test
  void anotherClientHoldsTheMonitorAndThenLetsGo() throws IOException {
    RunningMachine machine = start(VirtualMachine.named("vm-held", Disk.qcow2("vda")));
    Checkpoint checkpoint;

    try (SocketChannel held = machine.occupyMonitor()) {
      assertThat(held.isConnected()).isTrue();
      checkpoint = Checkpoint.apply(CLUSTER, "vm-held", "vm-held");
      checkpoint.whenNotReadyFor("MonitorBusy");
    }

    checkpoint.whenReady();
  }

  @Test
  void aDiskIsNotThere() {
    RunningMachine machine = start(VirtualMachine.named("vm-disk", Disk.qcow2("vda")));

    refused("vm-disk", "DiskNotFound", "disks: [{name: vda}, {name: vdz}]").contains("vdz");

    assertThat(machine.bitmaps("vda")).isEmpty();
  }

  @Test
  void aDiskListedTwiceIsRefusedByTheApiServer() {
    assertThatThrownBy(
            () ->
                Checkpoint.apply(
                    CLUSTER, "vm-twice", "vm-twice", "disks: [{name: vda}, {name: vda}]"))
        .isInstanceOf(KubernetesClientException.class)
        .hasMessageContaining("disks")
        .hasMessageContaining("vda");
  }

  @Test
  void aRawDiskFailsTheDefaultSet() {
    RunningMachine machine =
        start(VirtualMachine.named("vm-raw-fail", Disk.qcow2("vda"), Disk.raw("vdb")));

    refused("vm-raw-fail", "DiskIneligible").contains("vdb");

    assertThat(machine.bitmaps("vda")).isEmpty();
  }

  @Test
  void aRawDiskIsSkippedWhereTheSpecSaysSkip() {
    RunningMachine machine =
        start(VirtualMachine.named("vm-raw-skip", Disk.qcow2("vda"), Disk.raw("vdb")));

    Checkpoint checkpoint = skipped("vm-raw-skip", "vdb", "NotQcow2");

    assertThat(machine.bitmapsOf(checkpoint.uid(), "vda")).hasSize(1);
  }

  @Test
  void aNamedRawDiskIsRefused() {
    start(VirtualMachine.named("vm-raw-named", Disk.qcow2("vda"), Disk.raw("vdb")));

    refused("vm-raw-named", "DiskIneligible", "disks: [{name: vdb}]").contains("vdb");
  }

  @Test
  void aNamedRawDiskIsRefusedAlsoWhereTheSpecSaysSkip() {
    RunningMachine machine =
        start(VirtualMachine.named("vm-raw-both", Disk.qcow2("vda"), Disk.raw("vdb")));

    refused(
            "vm-raw-both",
            "DiskIneligible",
            "disks: [{name: vda}, {name: vdb}]",
            "ineligibleDisks: Skip")
        .contains("vdb");

    assertThat(machine.bitmaps("vda")).isEmpty();
  }

  @Test
  void anImageOfTheOldFormatVersionFailsTheDefaultSet() {
    start(VirtualMachine.named("vm-v2", Disk.qcow2("vda"), OLD_VERSION));

    refused("vm-v2", "DiskIneligible").contains("vdb");
  }

  @Test
  void anImageOfTheOldFormatVersionIsSkippedWhereTheSpecSaysSkip() {
    start(VirtualMachine.named("vm-v2-skip", Disk.qcow2("vda"), OLD_VERSION));

    skipped("vm-v2-skip", "vdb", "Qcow2V2");
  }

  @Test
  void aNamedImageOfTheOldFormatVersionIsRefused() {
    start(VirtualMachine.named("vm-v2-named", Disk.qcow2("vda"), OLD_VERSION));

    refused("vm-v2-named", "DiskIneligible", "disks: [{name: vdb}]").contains("vdb");
  }

  @Test
  void disksThatTheGuestCannotWriteToAreNotInTheDefaultSet() {
    start(
        VirtualMachine.named(
            "vm-read-only", Disk.qcow2("vda"), Disk.readOnly("vdb"), Disk.emptyDrive("cd0")));

    Checkpoint checkpoint = Checkpoint.apply(CLUSTER, "vm-read-only", "vm-read-only").whenReady();

    assertThat(checkpoint.status().path("disks"))
        .extracting(disk -> disk.path("name").asText())
        .containsExactly("vda");
  }

  @Test
  void aNamedReadOnlyDiskIsRefused() {
    start(VirtualMachine.named("vm-ro-named", Disk.qcow2("vda"), Disk.readOnly("vdb")));

    refused("vm-ro-named", "DiskIneligible", "disks: [{name: vdb}]").contains("vdb");
  }

  @Test
  void aNamedEmptyDriveIsRefused() {
    start(VirtualMachine.named("vm-cd-named", Disk.qcow2("vda"), Disk.emptyDrive("cd0")));

    refused("vm-cd-named", "DiskIneligible", "disks: [{name: cd0}]").contains("cd0");
  }

  @Test
  void aDeviceWithoutAnIdCannotBeNamedAndFailsTheDefaultSet() {
    start(VirtualMachine.named("vm-no-id", Disk.qcow2("vda"), Disk.withoutDeviceId("nameless")));

    refused("vm-no-id", "DiskIneligible").contains("id");
  }

  @Test
  void aDeviceWithoutAnIdIsSkippedWhereTheSpecSaysSkip() {
    start(
        VirtualMachine.named("vm-no-id-skip", Disk.qcow2("vda"), Disk.withoutDeviceId("nameless")));

    skipped("vm-no-id-skip", "/machine/peripheral-anon/device[0]", "DeviceWithoutID");
  }

  @Test
  void thereIsNoEligibleDiskAtAll() {
    start(VirtualMachine.named("vm-only-raw", Disk.raw("vda")));

    refused("vm-only-raw", "NoEligibleDisk", "ineligibleDisks: Skip");
  }

  @Test
  void aBitmapOfAnotherCheckpointIsLeftAlone() {
    RunningMachine machine = start(VirtualMachine.named("vm-foreign", Disk.qcow2("vda")));
    String foreign = "vmcp-0a1b2c3d-0000-4000-8000-000000000000.attempt.vda";
    machine.addBitmap("vda", foreign);

    Checkpoint checkpoint = Checkpoint.apply(CLUSTER, "vm-foreign", "vm-foreign").whenReady();
    checkpoint.delete();

    assertThat(machine.bitmaps("vda"))
        .extracting(bitmap -> bitmap.get("name").asText())
        .contains(foreign);
  }

  @Test
  void aKilledQemuIsNotCalledReadyAndDoesNotHoldUpTheDeletion() {
    RunningMachine machine = start(VirtualMachine.named("vm-killed", Disk.qcow2("vda")));
    Checkpoint checkpoint =
        Checkpoint.apply(CLUSTER, "vm-killed", "vm-killed")
            .whenReady()
            .when("Valid=True", now -> now.isCondition("Valid", "True"));

    machine.qemu().destroyForcibly();

    checkpoint.when("Valid=Unknown", now -> now.isCondition("Valid", "Unknown"));
    assertThat(checkpoint.isCondition("Ready", "True")).isTrue();
    machine.delete();
    checkpoint.delete();
  }

  /** A checkpoint with {@code ineligibleDisks: Skip} is Ready without the disk, and says why. */
  private static Checkpoint skipped(String machine, String disk, String reason) {
    Checkpoint checkpoint =
        Checkpoint.apply(CLUSTER, machine, machine, "ineligibleDisks: Skip").whenReady();
    assertThat(checkpoint.status().path("disks"))
        .extracting(included -> included.path("name").asText())
        .containsExactly("vda");
    assertThat(checkpoint.status().path("skippedDisks"))
        .singleElement()
        .satisfies(
            skipped -> {
              assertThat(skipped.path("name").asText()).startsWith(disk);
              assertThat(skipped.path("reason").asText()).isEqualTo(reason);
            });
    return checkpoint;
  }

  private static RunningMachine start(VirtualMachine machine) {
    return RunningMachine.start(CLUSTER, machine);
  }

  /** A checkpoint of the machine is refused for this reason, in status and event alike. */
  private static AbstractStringAssert<?> refused(String machine, String reason, String... spec) {
    Checkpoint checkpoint = Checkpoint.apply(CLUSTER, machine, machine, spec);
    String message = checkpoint.whenNotReadyFor(reason);
    await("an event " + reason)
        .atMost(Cluster.PATIENCE)
        .untilAsserted(() -> assertThat(checkpoint.eventReasons()).contains(reason));
    assertThat(checkpoint.isCondition("Valid", "True")).isFalse();
    return assertThat(message);
  }
}
