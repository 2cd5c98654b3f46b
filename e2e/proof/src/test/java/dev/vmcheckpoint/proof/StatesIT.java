package dev.vmcheckpoint.proof;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.vmcheckpoint.proof.fixture.Awaiting;
import dev.vmcheckpoint.proof.fixture.Devices;
import dev.vmcheckpoint.proof.fixture.Machine;
import dev.vmcheckpoint.proof.fixture.Resource;
import dev.vmcheckpoint.proof.fixture.RunningSystem;
import dev.vmcheckpoint.qmp.fixture.Layers;
import dev.vmcheckpoint.qmp.fixture.Tool;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * What a user sees of an established checkpoint after something happened to its disk, and after the
 * harmless neighbour of each loss.
 */
final class StatesIT {
  @RegisterExtension static final RunningSystem SYSTEM = new RunningSystem();

  private static final String VDA = "vda";
  private static final String JOB = "job";
  private static final long SIZE = 8 << 20;

  /** Where qcow2 keeps the bits that a writer clears who does not know what they are for. */
  private static final int AUTOCLEAR_OFFSET = 88;

  private final List<Resource> checkpoints = new ArrayList<>();
  private final Machine machine =
      new Machine(
          SYSTEM.get(), "m-" + UUID.randomUUID().toString().substring(0, 8), Optional.empty());
  private Path image = machine.folder().resolve("vda.qcow2");

  @BeforeEach
  void makeDisk() {
    Images.create(image, SIZE);
  }

  @AfterEach
  void removeMachine() {
    machine.close();
    checkpoints.forEach(Resource::delete);
  }

  // The bitmap

  @Test
  void aBitmapReplacedByATransientOneIsLost() {
    Resource checkpoint = established();

    replaceBitmap(checkpoint, "\"granularity\":65536");

    assertLost(checkpoint, "BitmapNotPersistent", "the bitmap is not persistent");
  }

  @Test
  void aBitmapReplacedByOneOfAnotherGranularityIsLost() {
    Resource checkpoint = established();

    replaceBitmap(checkpoint, "\"persistent\":true,\"granularity\":131072");

    assertLost(
        checkpoint, "GranularityChanged", "the bitmap has granularity 131072, recorded is 65536");
  }

  /** Removes the checkpoint's bitmap and adds another one of the same name before anyone looks. */
  private void replaceBitmap(Resource checkpoint, String how) {
    String bitmap = "\"node\":\"%s\",\"name\":\"%s\"".formatted(node(), bitmap(checkpoint));
    machine.whileNobodyLooks(
        () -> {
          machine.monitor().execute("block-dirty-bitmap-remove", "{%s}".formatted(bitmap));
          machine.monitor().execute("block-dirty-bitmap-add", "{%s,%s}".formatted(bitmap, how));
        });
  }

  @Test
  void aBitmapThatListsLessThanItDidIsLost() {
    Resource checkpoint = established();
    write("0 1M");
    checkpoint.probe();

    machine.monitor().run("block-dirty-bitmap-clear", "node", node(), "name", bitmap(checkpoint));

    assertLost(checkpoint, "Cleared", "the bitmap lists 0 bytes, it did list 1048576");
  }

  @Test
  void aBitmapThatListsTheSameAfterFurtherWritesGoesOnRecording() {
    Resource checkpoint = established();
    write("0 1M");
    checkpoint.probe();

    write("512k 64k");

    assertRecording(checkpoint, 1 << 20);
  }

  // What happens while nobody has the image open

  @Test
  void aWriterThatDoesNotKnowBitmapsCostsThem() throws IOException {
    Resource checkpoint = established();
    machine.quit();

    try (RandomAccessFile header = new RandomAccessFile(image.toFile(), "rw")) {
      header.seek(AUTOCLEAR_OFFSET);
      header.writeLong(0);
    }

    machine.start(disks());
    assertLost(checkpoint, "BitmapMissing", "the bitmap is not there any more");
  }

  @Test
  void whatAWriterThatKnowsBitmapsWritesIsListed() {
    Resource checkpoint = established();
    machine.quit();

    Tool.run("qemu-io", "-f", "qcow2", "-c", "write 1M 128k", image.toString());

    machine.start(disks());
    assertRecording(checkpoint, 128 << 10);
  }

  @Test
  void aMachineThatIsMadeAnewWithAFreshDiskHasLostItsCheckpoints() throws IOException {
    Resource checkpoint = established();
    stop();

    Files.delete(image);
    Images.create(image, SIZE);

    machine.start(disks());
    assertLost(checkpoint, "BitmapMissing", "the bitmap is not there any more");
  }

  @Test
  void aMachineThatIsMadeAnewWithItsDiskGoesOnRecording() {
    Resource checkpoint = established();
    write("0 64k");

    stop();
    machine.start(disks());

    assertRecording(checkpoint, 64 << 10);
  }

  @Test
  void aDiskUnderAnotherNameIsOutOfSightUntilTheRecordedOneIsBack() {
    Resource checkpoint = established();
    stop();

    Path other = Images.create(machine.folder().resolve("other.qcow2"), SIZE);
    machine.start(Map.of(VDA, other));

    assertSaid(
        checkpoint.probe(),
        "Unknown",
        "DiskReplaced",
        "the device holds %s, recorded is %s".formatted(other, image));
    stop();
    machine.start(disks());
    assertRecording(checkpoint, 0);
  }

  @Test
  void aDiskThatShrankWhileTheMachineWasStoppedIsLost() {
    Resource checkpoint = established();
    machine.quit();

    Tool.run("qemu-img", "resize", "-q", "--shrink", "-f", "qcow2", image.toString(), "4M");

    machine.start(disks());
    assertLost(checkpoint, "Shrunk", "the disk has 4194304 bytes, recorded are 8388608");
  }

  @Test
  void aDiskThatGrewWhileTheMachineWasStoppedGoesOnRecording() {
    Resource checkpoint = established();
    machine.quit();

    Tool.run("qemu-img", "resize", "-q", "-f", "qcow2", image.toString(), "16M");

    machine.start(disks());
    JsonNode disk = assertRecording(checkpoint);
    assertThat(disk.path("virtualSizeBytes").asLong()).isEqualTo(2 * SIZE);
  }

  @Test
  void anotherBackingImageCostsTheCheckpoint() {
    Path base = image;
    Path other = Images.copy(base, machine.folder().resolve("other.qcow2"));
    overlay(base);
    Resource checkpoint = established();
    machine.quit();

    Tool.run(
        "qemu-img",
        "rebase",
        "-q",
        "-u",
        "-f",
        "qcow2",
        "-F",
        "qcow2",
        "-b",
        other.toString(),
        image.toString());

    machine.start(disks());
    assertLost(
        checkpoint,
        "ImageReplaced",
        "the backing chain or the data file changed while the image was closed");
  }

  @Test
  void theSameBackingImageCostsNothing() {
    overlay(image);
    Resource checkpoint = established();

    machine.quit();
    machine.start(disks());

    assertRecording(checkpoint, 0);
  }

  /** The disk is from now on an overlay on an image. */
  private void overlay(Path base) {
    image = Layers.overlay(machine.folder().resolve("overlay.qcow2"), base);
  }

  @Test
  void anotherDataFileCostsTheCheckpoint() throws IOException {
    Path data = withDataFile();
    Resource checkpoint = established();
    machine.quit();

    Path other = Images.copy(data, data.resolveSibling("b.data"));
    renameInHeader(data, other);

    machine.start(disks());
    assertLost(
        checkpoint,
        "ImageReplaced",
        "the backing chain or the data file changed while the image was closed");
  }

  @Test
  void theSameDataFileCostsNothing() {
    withDataFile();
    Resource checkpoint = established();
    write("0 64k");

    machine.quit();
    machine.start(disks());

    assertRecording(checkpoint, 64 << 10);
  }

  /** The disk keeps its data in a file of their own from now on. */
  private Path withDataFile() {
    Path data = machine.folder().resolve("a.data");
    Tool.image(
        image,
        "qcow2",
        Long.toString(SIZE),
        "compat=1.1",
        "data_file=" + data,
        "data_file_raw=off");
    return data;
  }

  /** Nothing of qemu-img 7.2 gives an image another data file; the names are equally long. */
  private void renameInHeader(Path from, Path to) throws IOException {
    byte[] header = Files.readAllBytes(image);
    int at = new String(header, StandardCharsets.ISO_8859_1).indexOf(from.toString());
    byte[] name = to.toString().getBytes(StandardCharsets.US_ASCII);
    System.arraycopy(name, 0, header, at, name.length);
    Files.write(image, header);
  }

  @Test
  void aDiskThatWasFullWhenItWasClosedIsLost() throws IOException {
    Path small = Files.createDirectory(machine.folder().resolve("small"));
    Tool.run("mount", "-t", "tmpfs", "-o", "size=2M", "none", small.toString());
    try {
      image = Images.create(small.resolve("vda.qcow2"), SIZE);
      Resource checkpoint = established();

      Tool.output("dd", "if=/dev/zero", "bs=4k", "of=" + small.resolve("filler"));
      machine.quit();
      Files.delete(small.resolve("filler"));

      machine.start(disks());
      assertLost(checkpoint, "BitmapMissing", "the bitmap is not there any more");
    } finally {
      machine.kill();
      Tool.run("umount", small.toString());
    }
  }

  @Test
  void aDiskThatComesBackWithoutFlushesIsOutOfSightAndCostsNoOther() {
    Path second = Images.create(machine.folder().resolve("vdb.qcow2"), SIZE);
    machine.start(disks());
    machine.plug("vdb", second, "second");
    Resource checkpoint = makeCheckpoint();
    machine.quit();

    machine.start(disks());
    plugWithoutFlushes(second);

    JsonNode status = checkpoint.probe();
    assertSaid(status, "Recording", "Recording", "");
    assertThat(status.at("/disks/1/state").asText()).isEqualTo("Unknown");
    assertThat(status.at("/disks/1/reason").asText()).isEqualTo("DiskIneligible");
    assertThat(status.at("/disks/1/message").asText()).contains("cache=unsafe");
    machine.quit();
    machine.start(disks());
    machine.plug("vdb", second, "second");
    assertThat(condition(checkpoint.probe(), "Valid")).isEqualTo("True Recording");
  }

  @Test
  void ofAQemuThatIsKilledADiskThatWasUnpluggedBeforeIsNotLost() {
    Path second = Images.create(machine.folder().resolve("vdb.qcow2"), SIZE);
    machine.start(disks());
    machine.plug("vdb", second, "second");
    Resource checkpoint = makeCheckpoint();
    unplug("vdb", "second");

    machine.kill();

    machine.start(disks());
    machine.plug("vdb", second, "second");
    JsonNode status = checkpoint.probe();
    assertSaid(status, "Lost", "BitmapMissing", "the bitmap is not there any more");
    assertThat(status.at("/disks/1/state").asText()).isEqualTo("Recording");
  }

  private void unplug(String device, String node) {
    machine.monitor().run("device_del", "id", device);
    Awaiting.of("the end of device " + device)
        .until(() -> machine.devices().stream().noneMatch(device::equals));
    machine.monitor().run("blockdev-del", "node-name", node);
  }

  @Test
  void theBitmapOfADiskThatWasClonedIntoAnotherMachineIsNotRemovedThere() {
    Resource checkpoint = established();
    String bitmap = bitmap(checkpoint);
    machine.quit();
    Path clone = Images.copy(image, machine.folder().resolve("clone.qcow2"));
    machine.start(disks());

    try (Machine another = new Machine(SYSTEM.get(), machine.name() + "-2", Optional.empty())) {
      another.start(Map.of(VDA, clone));
      Resource ofTheOther = Resource.apply(SYSTEM.get(), another.name(), another.name(), "");
      checkpoints.add(ofTheOther);
      ofTheOther.await("creationTime", status -> status.has("creationTime"));

      checkpoint.delete();
      Awaiting.of("the end of the checkpoint").until(checkpoint::isGone);
      ofTheOther.probe();

      assertThat(bitmapsOf(machine)).doesNotContain(bitmap);
      assertThat(bitmapsOf(another)).contains(bitmap, bitmap(ofTheOther));
    }
  }

  private static List<String> bitmapsOf(Machine some) {
    JsonNode nodes = some.monitor().execute("query-named-block-nodes", "{\"flat\":true}");
    List<String> names = new ArrayList<>();
    for (JsonNode node : nodes) {
      node.path("dirty-bitmaps").forEach(found -> names.add(found.path("name").asText()));
    }
    return names;
  }

  /** As with {@code cache=unsafe}. */
  private void plugWithoutFlushes(Path file) {
    machine
        .monitor()
        .execute(
            "blockdev-add",
            """
            {"driver":"qcow2","node-name":"second","cache":{"no-flush":true},
             "file":{"driver":"file","filename":"%s"}}
            """
                .formatted(file));
    machine
        .monitor()
        .run("device_add", "driver", "scsi-hd", "bus", "scsi.0", "id", "vdb", "drive", "second");
  }

  // What a copy has that is made while QEMU has the image open

  @Test
  void anImageThatWasSavedBelowAnOverlayIsNotTakenForWhatItBecameAfterTheCommit()
      throws IOException {
    Resource checkpoint = established();
    Path saved = machine.folder().resolve("saved.qcow2");
    machine.whileNobodyLooks(
        () -> {
          putOverlay();
          Images.copy(image, saved);
          commit();
        });
    assertRecording(checkpoint, 0);

    write("0 64k");
    goBackTo(saved);

    assertRolledBack(checkpoint);
  }

  @Test
  void anOverlayThatIsCommittedCostsNothingAndShowsInTheEpoch() {
    Resource checkpoint = established();
    String before = assertRecording(checkpoint).path("epoch").asText();

    machine.whileNobodyLooks(
        () -> {
          putOverlay();
          write("0 64k");
          commit();
        });

    JsonNode after = assertRecording(checkpoint, 64 << 10);
    assertThat(after.path("epoch").asText()).isNotEqualTo(before);
  }

  @Test
  void anImageThatWasSavedAfterAMigrationIsNotTakenForWhatItBecameWhenQemuWentOn()
      throws IOException {
    Resource checkpoint = established();
    Path saved = machine.folder().resolve("saved.qcow2");
    machine.whileNobodyLooks(
        () -> {
          migrateNowhere();
          Images.copy(image, saved);
          machine.monitor().run("cont");
        });
    assertRecording(checkpoint, 0);

    write("0 64k");
    goBackTo(saved);

    assertRolledBack(checkpoint);
  }

  @Test
  void aMigrationAfterWhichQemuGoesOnCostsNothing() {
    Resource checkpoint = established();

    migrateNowhere();
    machine.monitor().run("cont");
    write("0 64k");

    assertRecording(checkpoint, 64 << 10);
  }

  private void goBackTo(Path saved) throws IOException {
    machine.quit();
    Files.move(saved, image, StandardCopyOption.REPLACE_EXISTING);
    machine.start(disks());
  }

  private void assertRolledBack(Resource checkpoint) {
    assertLost(
        checkpoint,
        "RolledBack",
        "the image lacks the marker of its last known opening, and so what was written since");
  }

  /** QEMU gives its images up, as to a file that keeps the guest's memory. */
  private void migrateNowhere() {
    machine.monitor().run("migrate", "uri", "exec:cat >/dev/null");
    Awaiting.of("the end of a migration")
        .until(
            () -> machine.monitor().run("query-migrate").path("status").asText(),
            "completed"::equals);
  }

  /** Puts an overlay on top that takes no bitmap along. */
  private void putOverlay() {
    machine
        .monitor()
        .run(
            "blockdev-snapshot-sync",
            "node-name",
            node(),
            "snapshot-file",
            machine.folder().resolve("top.qcow2").toString(),
            "format",
            "qcow2",
            "snapshot-node-name",
            "top");
  }

  private void commit() {
    machine.monitor().run("block-commit", "job-id", JOB, "device", "top", "auto-dismiss", false);
    Jobs.complete(machine.monitor(), JOB);
  }

  // What happens while QEMU runs

  @Test
  void aDiskMirroredWithABitmapOfTheSameNameIsLost() {
    Resource checkpoint = established();
    Path copy = Images.create(machine.folder().resolve("copy.qcow2"), SIZE);

    mirror(
        copy,
        () ->
            machine
                .monitor()
                .run(
                    "block-dirty-bitmap-add",
                    "node",
                    "copy",
                    "name",
                    bitmap(checkpoint),
                    "persistent",
                    true));

    assertLost(
        checkpoint,
        "ImageReplaced",
        "the device holds %s, which has the bitmap, but not the marker that the recorded %s had"
            .formatted(copy, image));
  }

  @Test
  void aDiskMirroredWithoutItsBitmapIsOutOfSight() {
    Resource checkpoint = established();
    Path copy = Images.create(machine.folder().resolve("copy.qcow2"), SIZE);

    mirror(copy, () -> {});

    assertUnknown(
        checkpoint, "DiskReplaced", "the device holds %s, recorded is %s".formatted(copy, image));
  }

  /** The device goes over to a copy of the disk. */
  private void mirror(Path copy, Runnable before) {
    machine
        .monitor()
        .execute(
            "blockdev-add",
            """
            {"driver":"qcow2","node-name":"copy","file":{"driver":"file","filename":"%s"}}
            """
                .formatted(copy));
    before.run();
    machine
        .monitor()
        .run(
            "blockdev-mirror",
            "job-id",
            JOB,
            "device",
            node(),
            "target",
            "copy",
            "sync",
            "full",
            "auto-dismiss",
            false);
    Jobs.complete(machine.monitor(), JOB);
  }

  @Test
  void aStreamThatLeftTheListBelowBehindCostsTheCheckpoint() {
    Resource checkpoint = established();
    write("0 64k");

    machine.whileNobodyLooks(
        () -> {
          carryAlong(checkpoint);
          stream();
        });

    assertLost(
        checkpoint, "ImageReplaced", "which has the bitmap, but not the marker that the recorded");
  }

  @Test
  void aStreamOfALayerWhoseListWasTakenOverCostsNothing() {
    Resource checkpoint = established();
    write("0 64k");
    carryAlong(checkpoint);
    assertRecording(checkpoint, 64 << 10);

    stream();

    assertRecording(checkpoint, 64 << 10);
  }

  /** Puts an overlay on top that takes the checkpoint's bitmap along, as libvirt does. */
  private void carryAlong(Resource checkpoint) {
    Path top = Images.create(machine.folder().resolve("top.qcow2"), SIZE);
    machine
        .monitor()
        .execute(
            "blockdev-add",
            """
            {"driver":"qcow2","node-name":"top","backing":null,
             "file":{"driver":"file","filename":"%s"}}
            """
                .formatted(top));
    machine
        .monitor()
        .execute(
            "transaction",
            """
            {"actions":[
              {"type":"block-dirty-bitmap-add",
               "data":{"node":"top","name":"%s","persistent":true,"granularity":65536}},
              {"type":"blockdev-snapshot","data":{"node":"%s","overlay":"top"}}]}
            """
                .formatted(bitmap(checkpoint), node()));
  }

  @Test
  void overlaysThatComeAndGoLeaveNoMarkersOfOpeningsBehind() {
    Resource checkpoint = established();

    for (int i = 0; i < 5; i++) {
      carryAlong(checkpoint);
      assertRecording(checkpoint);
      commit();
      machine.monitor().run("blockdev-del", "node-name", "top");
      assertRecording(checkpoint);
    }

    Awaiting.of("the present opening's marker alone")
        .until(
            () ->
                bitmapsOf(machine).stream().filter(name -> name.startsWith("vmcp-epoch.")).count()
                    == 1);
  }

  private void stream() {
    machine.monitor().run("block-stream", "job-id", JOB, "device", "top", "auto-dismiss", false);
    Jobs.awaitEnd(machine.monitor(), JOB);
  }

  @Test
  void aDiskThatMovedWithAllItsMarksGoesOnRecording() throws IOException {
    Resource checkpoint = established();
    write("0 64k");
    machine.quit();

    Path moved = machine.folder().resolve("moved.qcow2");
    Files.move(image, moved, StandardCopyOption.ATOMIC_MOVE);
    image = moved;

    machine.start(disks());
    JsonNode disk = assertRecording(checkpoint, 64 << 10);
    assertThat(disk.at("/image/file").asText()).isEqualTo(moved.toString());
  }

  @Test
  void betweenTheEndOfQemuAndItsStartInTheSamePodADiskIsOutOfSight() {
    Resource checkpoint = established();
    write("0 64k");

    machine.quit();

    assertUnknown(checkpoint, "NoMonitorSocket", "");
    machine.start(disks());
    assertRecording(checkpoint, 64 << 10);
  }

  @Test
  void whileTwoPodsRunAGuestAsTheMachineADiskIsOutOfSight() {
    Resource checkpoint = established();
    Path other = Images.create(machine.folder().resolve("other.qcow2"), SIZE);

    machine.whileAnotherRuns(
        Map.of(VDA, other),
        () ->
            assertUnknown(
                checkpoint,
                "AmbiguousVirtualMachine",
                "all run a guest as virtual machine " + machine.name()));

    assertRecording(checkpoint, 0);
  }

  // A machine, its checkpoint, and what is said of it

  private Map<String, Path> disks() {
    return Map.of(VDA, image);
  }

  private static String node() {
    return Devices.node(VDA);
  }

  private void stop() {
    machine.quit();
    machine.endPod();
  }

  private void write(String range) {
    machine.monitor().human("qemu-io -d %s \"write %s\"".formatted(Devices.qdev(VDA), range));
  }

  /** Starts the machine and makes a checkpoint of it. */
  private Resource established() {
    machine.start(disks());
    return makeCheckpoint();
  }

  private Resource makeCheckpoint() {
    Resource checkpoint = Resource.apply(SYSTEM.get(), machine.name(), machine.name(), "");
    checkpoints.add(checkpoint);
    checkpoint.await("creationTime", status -> status.has("creationTime"));
    return checkpoint;
  }

  private static String bitmap(Resource checkpoint) {
    return disk(checkpoint.status()).path("bitmap").asText();
  }

  private static void assertLost(Resource checkpoint, String reason, String message) {
    JsonNode status = checkpoint.probe();
    assertSaid(status, "Lost", reason, message);
    assertThat(condition(status, "Ready")).isEqualTo("False DisksLost");
    assertThat(condition(status, "Valid")).isEqualTo("False DisksLost");
    assertTold(checkpoint, "DisksLost", message);
  }

  private static void assertUnknown(Resource checkpoint, String reason, String message) {
    JsonNode status = checkpoint.probe();
    assertSaid(status, "Unknown", reason, message);
    assertThat(condition(status, "Ready")).isEqualTo("True Established");
    assertThat(condition(status, "Valid")).isEqualTo("Unknown DisksUnknown");
    assertTold(checkpoint, "DisksUnknown", message);
  }

  private static JsonNode assertRecording(Resource checkpoint, long dirtyBytes) {
    JsonNode disk = assertRecording(checkpoint);
    assertThat(disk.path("dirtyBytes").asLong()).isEqualTo(dirtyBytes);
    return disk;
  }

  private static JsonNode assertRecording(Resource checkpoint) {
    JsonNode status = checkpoint.probe();
    assertSaid(status, "Recording", "Recording", "");
    assertThat(condition(status, "Ready")).isEqualTo("True Established");
    assertThat(condition(status, "Valid")).startsWith("True ");
    assertThat(checkpoint.told("DisksLost")).isEmpty();
    return disk(status);
  }

  private static void assertSaid(JsonNode status, String state, String reason, String message) {
    assertThat(disk(status).path("state").asText()).as(status::toString).isEqualTo(state);
    assertThat(disk(status).path("reason").asText()).isEqualTo(reason);
    assertThat(disk(status).path("message").asText()).contains(message);
  }

  private static void assertTold(Resource checkpoint, String reason, String message) {
    Awaiting.of("an event with reason " + reason)
        .untilAsserted(
            () ->
                assertThat(checkpoint.told(reason))
                    .anySatisfy(note -> assertThat(note).contains(VDA, message)));
  }

  private static JsonNode disk(JsonNode status) {
    return status.path("disks").path(0);
  }

  private static String condition(JsonNode status, String type) {
    for (JsonNode condition : status.path("conditions")) {
      if (condition.path("type").asText().equals(type)) {
        return condition.path("status").asText() + " " + condition.path("reason").asText();
      }
    }
    return "";
  }
}
