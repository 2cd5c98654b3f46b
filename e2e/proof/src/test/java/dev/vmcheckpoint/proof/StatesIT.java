package dev.vmcheckpoint.proof;

import static dev.vmcheckpoint.proof.Said.assertLost;
import static dev.vmcheckpoint.proof.Said.assertRecording;
import static dev.vmcheckpoint.proof.Said.assertRecordingAgain;
import static dev.vmcheckpoint.proof.Said.assertRecordingOn;
import static dev.vmcheckpoint.proof.Said.assertStillUnknown;
import static dev.vmcheckpoint.proof.Said.assertUnknown;
import static dev.vmcheckpoint.proof.Said.bitmap;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.vmcheckpoint.proof.fixture.Awaiting;
import dev.vmcheckpoint.proof.fixture.Machine;
import dev.vmcheckpoint.proof.fixture.Resource;
import dev.vmcheckpoint.proof.fixture.RunningSystem;
import dev.vmcheckpoint.qmp.fixture.Tool;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * What a user sees of an established checkpoint after something happened to its disk, and after the
 * harmless neighbour of each loss.
 */
final class StatesIT {
  @RegisterExtension static final RunningSystem SYSTEM = new RunningSystem();

  private static final String JOB = "job";

  /** Where qcow2 keeps the bits that a writer clears who does not know what they are for. */
  private static final int AUTOCLEAR_OFFSET = 88;

  @RegisterExtension final Scene scene = new Scene(SYSTEM);

  // The bitmap

  @Test
  void aBitmapReplacedByATransientOneIsLost() {
    Resource checkpoint = scene.established();

    replaceBitmap(checkpoint, "\"granularity\":65536");

    assertLost(checkpoint, "BitmapNotPersistent", "the bitmap is not persistent");
  }

  @Test
  void aBitmapReplacedByOneOfAnotherGranularityIsLost() {
    Resource checkpoint = scene.established();

    replaceBitmap(checkpoint, "\"persistent\":true,\"granularity\":131072");

    assertLost(
        checkpoint, "GranularityChanged", "the bitmap has granularity 131072, recorded is 65536");
  }

  /** Removes the checkpoint's bitmap and adds another one of the same name before anyone looks. */
  private void replaceBitmap(Resource checkpoint, String how) {
    String bitmap = "\"node\":\"%s\",\"name\":\"%s\"".formatted(Scene.node(), bitmap(checkpoint));
    scene
        .machine()
        .whileNobodyLooks(
            () -> {
              scene
                  .machine()
                  .monitor()
                  .execute("block-dirty-bitmap-remove", "{%s}".formatted(bitmap));
              scene
                  .machine()
                  .monitor()
                  .execute("block-dirty-bitmap-add", "{%s,%s}".formatted(bitmap, how));
            });
  }

  @Test
  void aBitmapThatListsLessThanItDidIsLost() {
    Resource checkpoint = scene.established();
    scene.write("0 1M");
    checkpoint.probe();

    scene
        .machine()
        .monitor()
        .run("block-dirty-bitmap-clear", "node", Scene.node(), "name", bitmap(checkpoint));

    assertLost(checkpoint, "Cleared", "the bitmap lists 0 bytes, it did list 1048576");
  }

  @Test
  void aBitmapThatListsTheSameAfterFurtherWritesGoesOnRecording() {
    Resource checkpoint = scene.established();
    scene.write("0 1M");
    checkpoint.probe();

    scene.write("512k 64k");

    assertRecording(checkpoint, 1 << 20);
  }

  // What happens while nobody has the image open

  @Test
  void aWriterThatDoesNotKnowBitmapsCostsThem() throws IOException {
    Resource checkpoint = scene.established();
    scene.machine().quit();

    try (RandomAccessFile header = new RandomAccessFile(scene.image().toFile(), "rw")) {
      header.seek(AUTOCLEAR_OFFSET);
      header.writeLong(0);
    }

    scene.start();
    assertLost(checkpoint, "BitmapMissing", "the bitmap is not there any more");
  }

  @Test
  void whatAWriterThatKnowsBitmapsWritesIsListed() {
    Resource checkpoint = scene.established();
    scene.machine().quit();

    Tool.run("qemu-io", "-f", "qcow2", "-c", "write 1M 128k", scene.image().toString());

    scene.start();
    assertRecording(checkpoint, 128 << 10);
  }

  @Test
  void aMachineThatIsMadeAnewWithAFreshDiskHasLostItsCheckpoints() throws IOException {
    Resource checkpoint = scene.established();
    scene.stop();

    Files.delete(scene.image());
    Images.create(scene.image(), Scene.SIZE);

    scene.start();
    assertLost(checkpoint, "BitmapMissing", "the bitmap is not there any more");
  }

  @Test
  void aMachineThatIsMadeAnewWithItsDiskGoesOnRecording() {
    Resource checkpoint = scene.established();
    scene.write("0 64k");

    scene.stop();
    scene.start();

    assertRecording(checkpoint, 64 << 10);
  }

  @Test
  void aDiskUnderAnotherNameIsOutOfSightUntilTheRecordedOneIsBack() {
    Resource checkpoint = scene.established();
    scene.stop();

    Path other = Images.create(scene.file("other.qcow2"), Scene.SIZE);
    scene.machine().start(Map.of(Scene.VDA, other));

    assertStillUnknown(
        checkpoint,
        "DiskReplaced",
        "the device holds %s, recorded is %s".formatted(other, scene.image()));
    scene.stop();
    scene.start();
    assertRecordingAgain(checkpoint, 0);
  }

  @Test
  void aDiskThatShrankWhileTheMachineWasStoppedIsLost() {
    Resource checkpoint = scene.established();
    scene.machine().quit();

    Tool.run("qemu-img", "resize", "-q", "--shrink", "-f", "qcow2", scene.image().toString(), "4M");

    scene.start();
    assertLost(checkpoint, "Shrunk", "the disk has 4194304 bytes, recorded are 8388608");
  }

  @Test
  void aDiskThatGrewWhileTheMachineWasStoppedGoesOnRecording() {
    Resource checkpoint = scene.established();
    scene.machine().quit();

    Tool.run("qemu-img", "resize", "-q", "-f", "qcow2", scene.image().toString(), "16M");

    scene.start();
    JsonNode disk = assertRecording(checkpoint);
    assertThat(disk.path("virtualSizeBytes").asLong()).isEqualTo(2 * Scene.SIZE);
  }

  @Test
  void anotherBackingImageCostsTheCheckpoint() {
    Path base = scene.image();
    Path other = Images.copy(base, scene.file("other.qcow2"));
    scene.useOverlay();
    Resource checkpoint = scene.established();
    scene.machine().quit();

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
        scene.image().toString());

    scene.start();
    assertLost(
        checkpoint,
        "ImageReplaced",
        "the backing chain or the data file changed while the image was closed");
  }

  @Test
  void theSameBackingImageCostsNothing() {
    scene.useOverlay();
    Resource checkpoint = scene.established();

    scene.machine().quit();
    scene.start();

    assertRecording(checkpoint, 0);
  }

  @Test
  void anotherDataFileCostsTheCheckpoint() throws IOException {
    Path data = withDataFile();
    Resource checkpoint = scene.established();
    scene.machine().quit();

    Path other = Images.copy(data, data.resolveSibling("b.data"));
    renameInHeader(data, other);

    scene.start();
    assertLost(
        checkpoint,
        "ImageReplaced",
        "the backing chain or the data file changed while the image was closed");
  }

  @Test
  void theSameDataFileCostsNothing() {
    withDataFile();
    Resource checkpoint = scene.established();
    scene.write("0 64k");

    scene.machine().quit();
    scene.start();

    assertRecording(checkpoint, 64 << 10);
  }

  /** The disk keeps its data in a file of their own from now on. */
  private Path withDataFile() {
    Path data = scene.file("a.data");
    Tool.image(
        scene.image(),
        "qcow2",
        Long.toString(Scene.SIZE),
        "compat=1.1",
        "data_file=" + data,
        "data_file_raw=off");
    return data;
  }

  /** Nothing of qemu-img 7.2 gives an image another data file; the names are equally long. */
  private void renameInHeader(Path from, Path to) throws IOException {
    byte[] header = Files.readAllBytes(scene.image());
    int at = new String(header, StandardCharsets.ISO_8859_1).indexOf(from.toString());
    byte[] name = to.toString().getBytes(StandardCharsets.US_ASCII);
    System.arraycopy(name, 0, header, at, name.length);
    Files.write(scene.image(), header);
  }

  @Test
  void aDiskThatWasFullWhenItWasClosedIsLost() throws IOException {
    Path small = Files.createDirectory(scene.file("small"));
    Tool.run("mount", "-t", "tmpfs", "-o", "size=2M", "none", small.toString());
    try {
      scene.use(Images.create(small.resolve("vda.qcow2"), Scene.SIZE));
      Resource checkpoint = scene.established();

      Tool.output("dd", "if=/dev/zero", "bs=4k", "of=" + small.resolve("filler"));
      scene.machine().quit();
      Files.delete(small.resolve("filler"));

      scene.start();
      assertLost(checkpoint, "BitmapMissing", "the bitmap is not there any more");
    } finally {
      scene.machine().kill();
      Tool.run("umount", small.toString());
    }
  }

  @Test
  void aDiskThatComesBackWithoutFlushesIsOutOfSightAndCostsNoOther() {
    scene.start();
    Path second = scene.plugSecond();
    Resource checkpoint = scene.checkpoint();
    scene.machine().quit();

    scene.start();
    plugWithoutFlushes(second);

    assertRecordingOn(
        assertStillUnknown(checkpoint, 1, "DiskIneligible", "is opened with cache=unsafe"), 0);
    scene.machine().quit();
    scene.start();
    scene.plugSecond(second);
    assertRecordingAgain(checkpoint, 0);
  }

  @Test
  void ofAQemuThatIsKilledADiskThatWasUnpluggedBeforeIsNotLost() {
    scene.start();
    Path second = scene.plugSecond();
    Resource checkpoint = scene.checkpoint();
    scene.unplugSecond();

    scene.machine().kill();

    scene.start();
    scene.plugSecond(second);
    assertRecordingOn(
        assertLost(checkpoint, "BitmapMissing", "the bitmap is not there any more"), 1);
  }

  @Test
  void theBitmapOfADiskThatWasClonedIntoAnotherMachineIsNotRemovedThere() {
    Resource checkpoint = scene.established();
    String bitmap = bitmap(checkpoint);
    scene.machine().quit();
    Path clone = Images.copy(scene.image(), scene.file("clone.qcow2"));
    scene.start();

    try (Machine another =
        new Machine(scene.system(), scene.machine().name() + "-2", Optional.empty())) {
      another.start(Map.of(Scene.VDA, clone));
      Resource ofTheOther = scene.checkpoint(another);

      checkpoint.delete();
      Awaiting.of("the end of the checkpoint").until(checkpoint::isGone);
      ofTheOther.probe();

      assertThat(Scene.bitmapsOf(scene.machine())).doesNotContain(bitmap);
      assertThat(Scene.bitmapsOf(another)).contains(bitmap, bitmap(ofTheOther));
    }
  }

  /** As with {@code cache=unsafe}. */
  private void plugWithoutFlushes(Path file) {
    scene
        .machine()
        .monitor()
        .execute(
            "blockdev-add",
            """
            {"driver":"qcow2","node-name":"second","cache":{"no-flush":true},
             "file":{"driver":"file","filename":"%s"}}
            """
                .formatted(file));
    scene
        .machine()
        .monitor()
        .run("device_add", "driver", "scsi-hd", "bus", "scsi.0", "id", "vdb", "drive", "second");
  }

  // What a copy has that is made while QEMU has the image open

  @Test
  void anImageThatWasSavedBelowAnOverlayIsNotTakenForWhatItBecameAfterTheCommit()
      throws IOException {
    Resource checkpoint = scene.established();
    Path saved = scene.file("saved.qcow2");
    scene
        .machine()
        .whileNobodyLooks(
            () -> {
              scene.putOverlay();
              Images.copy(scene.image(), saved);
              scene.commit();
            });
    assertRecording(checkpoint, 0);

    scene.write("0 64k");
    goBackTo(saved);

    assertRolledBack(checkpoint);
  }

  @Test
  void anOverlayThatIsCommittedCostsNothingAndShowsInTheEpoch() {
    Resource checkpoint = scene.established();
    String before = assertRecording(checkpoint).path("epoch").asText();

    scene
        .machine()
        .whileNobodyLooks(
            () -> {
              scene.putOverlay();
              scene.write("0 64k");
              scene.commit();
            });

    JsonNode after = assertRecording(checkpoint, 64 << 10);
    assertThat(after.path("epoch").asText()).isNotEqualTo(before);
  }

  @Test
  void anImageThatWasSavedAfterAMigrationIsNotTakenForWhatItBecameWhenQemuWentOn()
      throws IOException {
    Resource checkpoint = scene.established();
    Path saved = scene.file("saved.qcow2");
    scene
        .machine()
        .whileNobodyLooks(
            () -> {
              migrateNowhere();
              Images.copy(scene.image(), saved);
              scene.machine().monitor().run("cont");
            });
    assertRecording(checkpoint, 0);

    scene.write("0 64k");
    goBackTo(saved);

    assertRolledBack(checkpoint);
  }

  @Test
  void aMigrationAfterWhichQemuGoesOnCostsNothing() {
    Resource checkpoint = scene.established();

    migrateNowhere();
    scene.machine().monitor().run("cont");
    scene.write("0 64k");

    assertRecording(checkpoint, 64 << 10);
  }

  private void goBackTo(Path saved) throws IOException {
    scene.machine().quit();
    Files.move(saved, scene.image(), StandardCopyOption.REPLACE_EXISTING);
    scene.start();
  }

  private void assertRolledBack(Resource checkpoint) {
    assertLost(
        checkpoint,
        "RolledBack",
        "the image lacks the marker of its last known opening, and so what was written since");
  }

  /** QEMU gives its images up, as to a file that keeps the guest's memory. */
  private void migrateNowhere() {
    scene.machine().monitor().run("migrate", "uri", "exec:cat >/dev/null");
    Awaiting.of("the end of a migration")
        .until(
            () -> scene.machine().monitor().run("query-migrate").path("status").asText(),
            "completed"::equals);
  }

  // What happens while QEMU runs

  @Test
  void aDiskMirroredWithABitmapOfTheSameNameIsLost() {
    Resource checkpoint = scene.established();
    Path copy = Images.create(scene.file("copy.qcow2"), Scene.SIZE);

    mirror(
        copy,
        () ->
            scene
                .machine()
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
            .formatted(copy, scene.image()));
  }

  @Test
  void aDiskMirroredWithoutItsBitmapIsOutOfSight() {
    Resource checkpoint = scene.established();
    Path copy = Images.create(scene.file("copy.qcow2"), Scene.SIZE);

    mirror(copy, () -> {});

    assertUnknown(
        checkpoint,
        "DiskReplaced",
        "the device holds %s, recorded is %s".formatted(copy, scene.image()));
  }

  /** The device goes over to a copy of the disk. */
  private void mirror(Path copy, Runnable before) {
    scene
        .machine()
        .monitor()
        .execute(
            "blockdev-add",
            """
            {"driver":"qcow2","node-name":"copy","file":{"driver":"file","filename":"%s"}}
            """
                .formatted(copy));
    before.run();
    scene
        .machine()
        .monitor()
        .run(
            "blockdev-mirror",
            "job-id",
            JOB,
            "device",
            Scene.node(),
            "target",
            "copy",
            "sync",
            "full",
            "auto-dismiss",
            false);
    Jobs.complete(scene.machine().monitor(), JOB);
  }

  @Test
  void aStreamThatLeftTheListBelowBehindCostsTheCheckpoint() {
    Resource checkpoint = scene.established();
    scene.write("0 64k");

    scene
        .machine()
        .whileNobodyLooks(
            () -> {
              scene.carryAlong(checkpoint);
              stream();
            });

    assertLost(
        checkpoint, "ImageReplaced", "which has the bitmap, but not the marker that the recorded");
  }

  @Test
  void aStreamOfALayerWhoseListWasTakenOverCostsNothing() {
    Resource checkpoint = scene.established();
    scene.write("0 64k");
    scene.carryAlong(checkpoint);
    assertRecording(checkpoint, 64 << 10);

    stream();

    assertRecording(checkpoint, 64 << 10);
  }

  private void stream() {
    scene
        .machine()
        .monitor()
        .run("block-stream", "job-id", JOB, "device", "top", "auto-dismiss", false);
    Jobs.awaitEnd(scene.machine().monitor(), JOB);
  }

  @Test
  void aDiskThatMovedWithAllItsMarksGoesOnRecording() throws IOException {
    Resource checkpoint = scene.established();
    scene.write("0 64k");
    scene.machine().quit();

    Path moved = scene.file("moved.qcow2");
    Files.move(scene.image(), moved, StandardCopyOption.ATOMIC_MOVE);
    scene.use(moved);

    scene.start();
    JsonNode disk = assertRecording(checkpoint, 64 << 10);
    assertThat(disk.at("/image/file").asText()).isEqualTo(moved.toString());
  }

  @Test
  void betweenTheEndOfQemuAndItsStartInTheSamePodADiskIsOutOfSight() {
    Resource checkpoint = scene.established();
    scene.write("0 64k");

    scene.machine().quit();

    assertStillUnknown(checkpoint, "NoMonitorSocket", "qmp.sock: not there");
    scene.start();
    assertRecording(checkpoint, 64 << 10);
  }

  @Test
  void whileTwoPodsRunAGuestAsTheMachineADiskIsOutOfSight() {
    Resource checkpoint = scene.established();
    Path other = Images.create(scene.file("other.qcow2"), Scene.SIZE);

    scene
        .machine()
        .whileAnotherRuns(
            Map.of(Scene.VDA, other),
            () ->
                assertUnknown(
                    checkpoint,
                    "AmbiguousVirtualMachine",
                    "all run a guest as virtual machine " + scene.machine().name()));

    assertRecording(checkpoint, 0);
  }
}
