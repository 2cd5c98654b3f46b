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
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.Deque;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * What leaves no trace, so that no checkpoint can notice it: in each case the status says Recording
 * although a change is listed nowhere. The README tells users of each.
 */
class KnownLimitsE2E {
  @RegisterExtension static final Cluster CLUSTER = new Cluster("known-limits");

  /** Of an image of qcow2 with the default cluster size, in bytes. */
  private static final long FIRST_DATA_CLUSTER = 5 << 16;

  private final Deque<SharedStorage> storage = new ArrayDeque<>();

  @AfterEach
  void releaseStorage() {
    storage.forEach(SharedStorage::close);
  }

  @Test
  void aBitmapClearedBetweenTwoLooks() throws IOException {
    RunningMachine machine = start("cleared", Disk.qcow2("vda"));
    Checkpoint checkpoint = established("cleared");

    try (var _ = machine.occupyMonitor()) {
      machine.write("vda", "0", "64k");
      machine.command("block-dirty-bitmap-clear", bitmap(checkpoint, "\"node\":\"vda-format\""));
    }

    assertListsNothing(checkpoint);
  }

  @Test
  void aBitmapDisabledAndEnabledBetweenTwoLooks() throws IOException {
    RunningMachine machine = start("disabled", Disk.qcow2("vda"));
    Checkpoint checkpoint = established("disabled");

    try (var _ = machine.occupyMonitor()) {
      machine.command("block-dirty-bitmap-disable", bitmap(checkpoint, "\"node\":\"vda-format\""));
      machine.write("vda", "0", "64k");
      machine.command("block-dirty-bitmap-enable", bitmap(checkpoint, "\"node\":\"vda-format\""));
    }

    assertListsNothing(checkpoint);
  }

  @Test
  void aBitmapRemovedAndAddedAgainBetweenTwoLooks() throws IOException {
    RunningMachine machine = start("re-added", Disk.qcow2("vda"));
    Checkpoint checkpoint = established("re-added");

    try (var _ = machine.occupyMonitor()) {
      machine.write("vda", "0", "64k");
      machine.command("block-dirty-bitmap-remove", bitmap(checkpoint, "\"node\":\"vda-format\""));
      machine.command(
          "block-dirty-bitmap-add",
          bitmap(checkpoint, "\"node\":\"vda-format\",\"persistent\":true"));
    }

    assertListsNothing(checkpoint);
  }

  @Test
  void aDiskThatShrankAndGrewBetweenTwoLooks() throws IOException {
    RunningMachine machine = start("shrunk", Disk.qcow2("vda"));
    machine.write("vda", "48M", "64k");
    Checkpoint checkpoint = established("shrunk");

    try (var _ = machine.occupyMonitor()) {
      machine.command("block_resize", "{\"node-name\":\"vda-format\",\"size\":33554432}");
      machine.command("block_resize", "{\"node-name\":\"vda-format\",\"size\":67108864}");
    }

    assertListsNothing(checkpoint);
  }

  @Test
  void aStreamOfOneCarriedOverlayIntoAnotherBetweenTwoLooks() throws IOException {
    RunningMachine machine = start("streamed", Disk.qcow2("vda"));
    Checkpoint checkpoint = established("streamed");

    try (var _ = machine.occupyMonitor()) {
      carryAlong(machine, checkpoint, "vda-format", "lower");
      machine.write("vda", "0", "64k");
      carryAlong(machine, checkpoint, "lower", "upper");
      machine.command(
          "block-stream",
          "{\"job-id\":\"stream\",\"device\":\"upper\",\"base-node\":\"vda-format\"}");
      await("the end of the stream")
          .atMost(Cluster.PATIENCE)
          .until(() -> machine.command("query-jobs", "{}").isEmpty());
    }

    assertListsNothing(checkpoint);
  }

  @Test
  void anOverlayThrownAwayWhileTheLayerBelowStaysOpen() throws IOException {
    RunningMachine machine = start("thrown-away", Disk.scsi("vda"));
    Checkpoint checkpoint = established("thrown-away");
    carryAlong(machine, checkpoint, "vda-format", "upper");
    checkpoint.when(
        "recorded on the overlay",
        now -> now.disk("vda").path("blockNode").asText().equals("upper"));

    try (var _ = machine.occupyMonitor()) {
      machine.unplug("vda");
      machine.command(
          "human-monitor-command", "{\"command-line\":\"qemu-io upper \\\"write 0 64k\\\"\"}");
      machine.command("blockdev-del", "{\"node-name\":\"upper\"}");
      machine.command(
          "blockdev-reopen",
          """
          {"options":[{"driver":"qcow2","node-name":"vda-format","file":"vda-file",
                       "read-only":false}]}
          """);
      machine.plug("vda", "vda");
    }

    assertListsNothing(checkpoint);
  }

  /** Puts an overlay on top that takes the checkpoint's bitmap along, as libvirt does. */
  private void carryAlong(
      RunningMachine machine, Checkpoint checkpoint, String below, String overlay) {
    String file = file(overlay + ".img").toString();
    Commands.run("qemu-img", "create", "-q", "-f", "qcow2", file, "64M");
    Commands.run("chown", "107:107", file);
    machine.command(
        "blockdev-add",
        """
        {"driver":"qcow2","node-name":"%1$s","backing":null,
         "file":{"driver":"file","filename":"/disks/%1$s.img"}}
        """
            .formatted(overlay));
    machine.command(
        "transaction",
        """
        {"actions":[
          {"type":"block-dirty-bitmap-add","data":%s},
          {"type":"blockdev-snapshot","data":{"node":"%s","overlay":"%s"}}]}
        """
            .formatted(
                bitmap(checkpoint, "\"node\":\"%s\",\"persistent\":true".formatted(overlay)),
                below,
                overlay));
  }

  @Test
  void layersTakenAwayWithoutWhatTheyHold() throws IOException {
    RunningMachine machine = start("taken-away", Disk.overlay("vda"));
    Checkpoint checkpoint = established("taken-away");

    machine.command(
        "blockdev-reopen",
        """
        {"options":[{"driver":"qcow2","node-name":"vda-format","file":"vda-file",
                     "backing":null,"read-only":false}]}
        """);

    assertListsNothing(checkpoint);
  }

  @Test
  void aWriteToTheBackingImagePastQemu() throws IOException {
    start("backing", Disk.overlay("vda"));
    Checkpoint checkpoint = established("backing");

    writePastQemu("backing.img");

    assertListsNothing(checkpoint);
  }

  @Test
  void aWriteToTheDataFilePastQemu() throws IOException {
    RunningMachine machine =
        start("data-file", Disk.qcow2("vda", "-o data_file=/disks/vda.data,data_file_raw=off"));
    machine.write("vda", "0", "64k");
    Checkpoint checkpoint = established("data-file");

    writePastQemu("vda.data");

    assertListsNothing(checkpoint);
  }

  @Test
  void aSecondWriterWithImageLockingSwitchedOff() {
    RunningMachine machine = start("two-writers", Disk.qcow2("vda"));
    machine.write("vda", "0", "64k");
    Checkpoint checkpoint = established("two-writers");

    Commands.run(
        "qemu-io",
        "--cmd=write -P 77 %d 512".formatted(FIRST_DATA_CLUSTER),
        "--image-opts",
        "driver=raw,file.driver=file,file.locking=off,file.filename=" + file("vda.img"));

    assertListsNothing(checkpoint);
  }

  private RunningMachine start(String name, Disk disk) {
    storage.push(SharedStorage.make(CLUSTER, name));
    return RunningMachine.start(CLUSTER, VirtualMachine.named(name, disk).with(storage.getFirst()));
  }

  private static Checkpoint established(String machine) {
    return Checkpoint.apply(CLUSTER, machine, machine).whenReady();
  }

  /** Writes as a program does that knows nothing of QEMU's image locks. */
  private void writePastQemu(String image) throws IOException {
    try (FileChannel channel = FileChannel.open(file(image), StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap("written past QEMU".getBytes(StandardCharsets.UTF_8)), 0);
    }
  }

  private Path file(String image) {
    return storage.getFirst().folder().resolve(image);
  }

  private static String bitmap(Checkpoint checkpoint, String more) {
    return "{\"name\":\"%s\",%s}".formatted(checkpoint.bitmap("vda"), more);
  }

  private static void assertListsNothing(Checkpoint checkpoint) {
    checkpoint.probe("afterwards");
    assertThat(checkpoint.disk("vda").path("state").asText()).isEqualTo("Recording");
    assertThat(checkpoint.disk("vda").path("dirtyBytes").asLong()).isZero();
  }
}
