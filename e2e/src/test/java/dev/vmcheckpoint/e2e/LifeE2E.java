package dev.vmcheckpoint.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.vmcheckpoint.e2e.fixture.Checkpoint;
import dev.vmcheckpoint.e2e.fixture.Cluster;
import dev.vmcheckpoint.e2e.fixture.Commands;
import dev.vmcheckpoint.e2e.fixture.Disk;
import dev.vmcheckpoint.e2e.fixture.RunningMachine;
import dev.vmcheckpoint.e2e.fixture.SharedStorage;
import dev.vmcheckpoint.e2e.fixture.VirtualMachine;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * What a user sees of an established checkpoint when something happens to its machine: what is lost
 * says so and stays so, what is out of sight comes back, and harmless things cost nothing.
 */
class LifeE2E {
  @RegisterExtension static final Cluster CLUSTER = new Cluster("life");

  private static final byte STREAMED = 77;

  private final Deque<SharedStorage> storage = new ArrayDeque<>();

  @AfterEach
  void releaseStorage() {
    storage.forEach(SharedStorage::close);
  }

  @Test
  void aResetOfTheGuestCostsNothing() {
    RunningMachine machine = start("reset");
    Checkpoint checkpoint = established("reset");

    machine.command("system_reset", "{}");

    checkpoint.probe("after-reset");
    assertRecording(checkpoint, "vda", "vdb");
  }

  @Test
  void aPausedGuestCostsNothing() {
    RunningMachine machine = start("paused");
    Checkpoint checkpoint = established("paused");

    machine.whilePaused(() -> checkpoint.probe("while-paused"));

    assertRecording(checkpoint, "vda", "vdb");
  }

  @Test
  void aStoppedMachineIsOutOfSightAndComesBackWithAllItsChanges() {
    RunningMachine machine = start("stopped");
    Checkpoint checkpoint = established("stopped");
    machine.write("vda", "0", "1M");
    long before = checkpoint.probe("before").disk("vda").path("dirtyBytes").asLong();
    assertThat(before).isEqualTo(1 << 20);

    machine.delete();

    checkpoint.whenDisk("vda", "Unknown", "VirtualMachineNotFound");
    checkpoint.whenTold("DisksUnknown");
    assertThat(checkpoint.isCondition("Ready", "True")).isTrue();
    startAgain("stopped");
    checkpoint.whenDisk("vda", "Recording", "Recording");
    assertRecording(checkpoint.probe("after"), "vda", "vdb");
    assertThat(checkpoint.disk("vda").path("dirtyBytes").asLong()).isEqualTo(before);
  }

  @Test
  void aQemuThatEndsInOrderAndIsStartedAgainInTheSamePodCostsNothing() {
    RunningMachine machine =
        RunningMachine.start(
            CLUSTER, VirtualMachine.named("restarted", Disk.qcow2("vda")).restarting());
    Checkpoint checkpoint = established("restarted");
    machine.write("vda", "0", "1M");
    String epoch = checkpoint.probe("before").disk("vda").path("epoch").asText();

    machine.whenRestartedAfter(ProcessHandle::destroy);

    checkpoint.when(
        "carried over",
        now ->
            now.isCondition("Valid", "True")
                && !now.disk("vda").path("epoch").asText().equals(epoch));
    assertThat(checkpoint.probe("after").disk("vda").path("dirtyBytes").asLong())
        .isEqualTo(1 << 20);
  }

  @Test
  void aQemuThatIsKilledAndStartedAgainInTheSamePodIsALoss() {
    RunningMachine machine =
        RunningMachine.start(
            CLUSTER, VirtualMachine.named("crashed", Disk.qcow2("vda")).restarting());
    Checkpoint checkpoint = established("crashed");

    machine.whenRestartedAfter(ProcessHandle::destroyForcibly);

    checkpoint.when("Lost", now -> now.disk("vda").path("state").asText().equals("Lost"));
    checkpoint.whenTold("DisksLost");
  }

  @Test
  void whatAKilledQemuHadNotWrittenIsLostForGood() {
    RunningMachine machine = start("killed");
    Checkpoint checkpoint = established("killed");

    machine.qemu().destroyForcibly();

    checkpoint.whenDisk("vda", "Unknown", "VirtualMachineNotRunning");
    machine.delete();
    RunningMachine successor = startAgain("killed");
    for (String disk : List.of("vda", "vdb")) {
      checkpoint.when(
          "Lost on " + disk, now -> now.disk(disk).path("state").asText().equals("Lost"));
    }
    checkpoint.whenTold("DisksLost");
    assertThat(checkpoint.isCondition("Ready", "False")).isTrue();
    assertThat(checkpoint.isCondition("Valid", "False")).isTrue();
    assertThat(checkpoint.isCondition("Stalled", "True")).isTrue();
    await("the removal of what is left of the lost bitmaps")
        .atMost(Cluster.PATIENCE)
        .until(() -> successor.bitmapsOf(checkpoint.uid(), "vda").isEmpty());
    established("killed", "after-kill");
    assertThat(checkpoint.probe("again").disk("vda").path("state").asText()).isEqualTo("Lost");
  }

  @Test
  void aBitmapThatSomebodyRemovesCostsThatDiskOfThatCheckpointOnly() {
    RunningMachine machine = start("removed");
    Checkpoint checkpoint = established("removed");
    Checkpoint other = established("removed", "untouched");

    machine.command("block-dirty-bitmap-remove", bitmap(checkpoint, "vda"));

    checkpoint.whenDisk("vda", "Lost", "BitmapMissing");
    checkpoint.whenTold("DisksLost");
    assertRecording(checkpoint, "vdb");
    assertThat(checkpoint.status().at("/summary/disks").asText()).isEqualTo("1/2");
    assertRecording(other.probe("other"), "vda", "vdb");
    assertThat(other.isCondition("Valid", "True")).isTrue();
  }

  @Test
  void aBitmapThatSomebodyDisablesIsLostThoughEnabledAgain() {
    RunningMachine machine = start("disabled");
    Checkpoint checkpoint = established("disabled");

    machine.command("block-dirty-bitmap-disable", bitmap(checkpoint, "vda"));
    checkpoint.whenDisk("vda", "Lost", "BitmapNotRecording");

    assertThat(checkpoint.probe("later").disk("vda").path("state").asText()).isEqualTo("Lost");
  }

  @Test
  void aBitmapInUseIsOutOfSightUntilItIsFree() {
    RunningMachine machine = start("busy");
    Checkpoint checkpoint = established("busy");
    machine.write("vda", "0", "32M");
    machine.command(
        "blockdev-add", "{\"driver\":\"null-co\",\"node-name\":\"to\",\"size\":67108864}");

    machine.command(
        "blockdev-backup",
        """
        {"job-id":"backup","device":"vda-format","target":"to","speed":1,
         "sync":"bitmap","bitmap-mode":"never","bitmap":"%s"}
        """
            .formatted(checkpoint.bitmap("vda")));

    checkpoint.whenDisk("vda", "Unknown", "Busy");
    assertRecording(checkpoint, "vdb");
    machine.command("block-job-cancel", "{\"device\":\"backup\"}");
    checkpoint.whenDisk("vda", "Recording", "Recording");
  }

  @Test
  void anUnpluggedDiskIsOutOfSightUntilItIsPluggedInAgain() {
    RunningMachine machine = start("unplugged");
    Checkpoint checkpoint = established("unplugged");

    machine.command("device_del", "{\"id\":\"vdb\"}");

    checkpoint.whenDisk("vdb", "Unknown", "Detached");
    assertRecording(checkpoint, "vda");
    machine.plug("vdb", "vdb");
    checkpoint.whenDisk("vdb", "Recording", "Recording");
  }

  @Test
  void aDiskThatIsPluggedInLaterIsInLaterCheckpointsOnly() throws IOException {
    RunningMachine machine = start("plugged");
    Checkpoint before = established("plugged");
    Path folder = storage.getFirst().folder();
    Files.copy(
        folder.resolve("vdb.img"), folder.resolve("vdc.img"), StandardCopyOption.COPY_ATTRIBUTES);

    machine.command(
        "blockdev-add",
        """
        {"driver":"qcow2","node-name":"vdc-format",
         "file":{"driver":"file","filename":"/disks/vdc.img"}}
        """);
    machine.plug("vdc", "vdb");

    Checkpoint after = established("plugged", "with-vdc");
    assertThat(after.disk("vdc").path("state").asText()).isEqualTo("Recording");
    before.probe("after-plug");
    assertThat(before.disk("vdc").isMissingNode()).isTrue();
    assertRecording(before, "vda", "vdb");
  }

  @Test
  void aDiskThatGrowsGoesOnRecording() {
    RunningMachine machine = start("grown");
    Checkpoint checkpoint = established("grown");

    machine.command("block_resize", "{\"node-name\":\"vda-format\",\"size\":134217728}");

    checkpoint.when(
        "recorded with its new size",
        now -> now.disk("vda").path("virtualSizeBytes").asLong() == 134_217_728);
    assertRecording(checkpoint, "vda", "vdb");
  }

  @Test
  void underASnapshotADiskIsOutOfSightUntilTheSnapshotIsCommitted() {
    RunningMachine machine = start("snapshot");
    Checkpoint checkpoint = established("snapshot");

    machine.command(
        "blockdev-snapshot-sync",
        """
        {"node-name":"vda-format","snapshot-file":"/disks/overlay.img",
         "snapshot-node-name":"overlay"}
        """);

    checkpoint.whenDisk("vda", "Unknown", "OverlayOnTop");
    machine.write("vda", "0", "64k");
    machine.command("block-commit", "{\"job-id\":\"commit\",\"device\":\"overlay\"}");
    await("the commit's last step")
        .atMost(Cluster.PATIENCE)
        .until(
            () -> machine.command("query-jobs", "{}").findValuesAsText("status").contains("ready"));
    machine.command("job-complete", "{\"id\":\"commit\"}");
    checkpoint.whenDisk("vda", "Recording", "Recording");
    assertThat(checkpoint.probe("committed").disk("vda").path("dirtyBytes").asLong())
        .isGreaterThanOrEqualTo(1 << 16);
  }

  @Test
  void whatAStreamMovedIsInTheFileOnceTheDiskCountsWithItsNewChain() throws IOException {
    SharedStorage disks = SharedStorage.make(CLUSTER, "stream");
    storage.push(disks);
    Files.write(disks.folder().resolve("backing.img"), new byte[] {STREAMED});
    RunningMachine machine =
        RunningMachine.start(
            CLUSTER, VirtualMachine.named("stream", Disk.overlay("vda")).with(disks));
    Checkpoint checkpoint = established("stream");
    try (var _ = machine.occupyMonitor()) {
      machine.command("block-stream", "{\"job-id\":\"stream\",\"device\":\"vda-format\"}");
      await("the end of the stream")
          .atMost(Cluster.PATIENCE)
          .until(() -> machine.command("query-jobs", "{}").isEmpty());
      assertThat(firstByte(disks.folder().resolve("vda.img"))).isZero();
      assertThat(checkpoint.disk("vda").path("image").path("backing")).hasSize(1);
    }

    checkpoint.probe("streamed");

    assertRecording(checkpoint, "vda");
    assertThat(checkpoint.disk("vda").path("image").path("backing")).isEmpty();
    assertThat(checkpoint.disk("vda").path("dirtyBytes").asLong()).isZero();
    assertThat(firstByte(disks.folder().resolve("vda.img"))).isEqualTo(STREAMED);
  }

  /** Of the disk, as a copy of its file holds it at this moment. */
  private static byte firstByte(Path image) throws IOException {
    Path raw = image.resolveSibling("copy.raw");
    Commands.run(
        "qemu-img", "convert", "-U", "-f", "qcow2", "-O", "raw", image.toString(), raw.toString());
    try (InputStream content = Files.newInputStream(raw)) {
      return (byte) content.read();
    }
  }

  @Test
  void anImageThatGoesBackToAnOlderCopyIsLost() throws IOException {
    RunningMachine machine = start("reverted");
    Checkpoint checkpoint = established("reverted");
    machine.delete();
    Path image = storage.getFirst().folder().resolve("vda.img");
    Path copy = storage.getFirst().folder().resolve("vda.copy");
    Files.copy(image, copy, StandardCopyOption.COPY_ATTRIBUTES);
    RunningMachine second = startAgain("reverted");
    checkpoint.whenDisk("vda", "Recording", "Recording");
    second.write("vda", "0", "64k");
    second.delete();

    Files.move(copy, image, StandardCopyOption.REPLACE_EXISTING);

    startAgain("reverted");
    checkpoint.whenDisk("vda", "Lost", "RolledBack");
    checkpoint.whenTold("DisksLost");
    checkpoint.whenDisk("vdb", "Recording", "Recording");
  }

  private RunningMachine start(String name) {
    storage.push(SharedStorage.make(CLUSTER, name));
    return startAgain(name);
  }

  private RunningMachine startAgain(String name) {
    return RunningMachine.start(
        CLUSTER,
        VirtualMachine.named(name, Disk.qcow2("vda"), Disk.scsi("vdb")).with(storage.getFirst()));
  }

  private static Checkpoint established(String machine) {
    return established(machine, machine);
  }

  private static Checkpoint established(String machine, String name) {
    return Checkpoint.apply(CLUSTER, name, machine).whenReady();
  }

  private static String bitmap(Checkpoint checkpoint, String disk) {
    return "{\"node\":\"%s-format\",\"name\":\"%s\"}".formatted(disk, checkpoint.bitmap(disk));
  }

  private static void assertRecording(Checkpoint checkpoint, String... disks) {
    assertThat(disks)
        .allSatisfy(
            disk ->
                assertThat(checkpoint.disk(disk).path("state").asText()).isEqualTo("Recording"));
  }
}
