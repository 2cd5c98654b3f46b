package dev.vmcheckpoint.proof;

import static dev.vmcheckpoint.proof.Said.assertRecording;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.vmcheckpoint.proof.fixture.Resource;
import dev.vmcheckpoint.proof.fixture.RunningSystem;
import dev.vmcheckpoint.qmp.fixture.Tool;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Disks that QEMU has in another way than by one node of one device. A base copy that was made from
 * outside of QEMU, and the blocks that the checkpoint lists after a restart, are the disk.
 */
final class DevicesIT {
  @RegisterExtension static final RunningSystem SYSTEM = new RunningSystem();

  private static final String VIRTIO = "virtio-blk-pci,id=vda,drive=";

  @RegisterExtension final Scene scene = new Scene(SYSTEM);

  @Test
  void twoDevicesOnOneNodeAreTwoDisksThatBothListWhatEitherWrites() {
    Disks disks =
        start(
            List.of(
                "-blockdev",
                format("shared"),
                "-device",
                VIRTIO + "shared,share-rw=on",
                "-device",
                "scsi-hd,bus=scsi.0,id=vdb,drive=shared,share-rw=on"));

    scene.write("0 64k");
    scene.write("vdb", "1M 64k");

    disks.assertExactAfterARestart("vda", "vdb");
    disks.assertDirty(2 * (64 << 10));
  }

  @Test
  void aThrottledDisk() {
    Disks disks =
        start(
            List.of(
                "-object",
                "throttle-group,id=limits,x-bps-write=104857600",
                "-blockdev",
                format("below"),
                "-blockdev",
                "driver=throttle,node-name=throttle,throttle-group=limits,file=below",
                "-device",
                VIRTIO + "throttle"));

    scene.write("0 64k");

    disks.assertExactAfterARestart("vda");
    disks.assertDirty(64 << 10);
  }

  @Test
  void aDiskThatCopiesOnReadListsWhatIsWrittenAndNotWhatIsRead() {
    Path base = scene.image();
    Tool.run("qemu-io", "-f", "qcow2", "-c", "write -P 5 0 1M", base.toString());
    scene.useOverlay();
    Disks disks =
        start(
            List.of(
                "-blockdev",
                format("below"),
                "-blockdev",
                "driver=copy-on-read,node-name=cor,file=below",
                "-device",
                VIRTIO + "cor"));

    scene.read("0 1M");
    scene.write("512k 64k");

    disks.assertExactAfterARestart("vda");
    disks.assertDirty(64 << 10);
    assertThat(Tool.run("qemu-img", "map", "-f", "qcow2", "-U", scene.image().toString()))
        .as("what was read is in the overlay")
        .doesNotContain(base.toString());
  }

  @Test
  void aDriveWithoutNodeNames() {
    Disks disks =
        start(
            List.of(
                "-drive",
                "if=none,id=drive0,format=qcow2,file=" + scene.image(),
                "-device",
                VIRTIO + "drive0"));

    scene.write("0 64k");

    disks.assertExactAfterARestart("vda");
    disks.assertDirty(64 << 10);
  }

  private String format(String node) {
    return "driver=qcow2,node-name=%s,file.driver=file,file.filename=%s"
        .formatted(node, scene.image());
  }

  private Disks start(List<String> arguments) {
    scene.machine().start(arguments);
    Resource checkpoint = scene.checkpoint();
    Path copy = Images.copy(scene.image(), scene.file("copy.qcow2"));
    return new Disks(
        arguments, checkpoint, Images.content(copy.toString(), "qcow2", scene.machine().folder()));
  }

  /** A machine's disks, all with the same content, and a copy of it made after the checkpoint. */
  private final class Disks {
    private final List<String> arguments;
    private final Resource checkpoint;
    private final Content base;

    private Disks(List<String> arguments, Resource checkpoint, Content base) {
      this.arguments = arguments;
      this.checkpoint = checkpoint;
      this.base = base;
    }

    private void assertExactAfterARestart(String... names) {
      scene.machine().quit();
      scene.machine().start(arguments);
      assertRecording(checkpoint);
      JsonNode disks = checkpoint.status().path("disks");
      assertThat(disks.findValuesAsText("name")).containsExactly(names);
      for (JsonNode disk : disks) {
        String bitmap = disk.path("bitmap").asText();
        DiskReader.Snapshot now =
            new DiskReader(scene.machine()).read(disk.path("blockNode").asText(), List.of(bitmap));
        assertThat(base.mismatch(now.content())).as("what was written shows").isNotNegative();
        assertThat(base.restored(now.listedBy(bitmap), now.content()).mismatch(now.content()))
            .as("a restore of %s is exact", disk)
            .isNegative();
      }
    }

    private void assertDirty(long bytes) {
      for (JsonNode disk : checkpoint.status().path("disks")) {
        assertThat(disk.path("dirtyBytes").asLong()).isEqualTo(bytes);
      }
    }
  }
}
