package dev.vmcheckpoint.proof;

import static dev.vmcheckpoint.proof.Said.assertLost;
import static dev.vmcheckpoint.proof.Said.assertRecording;
import static dev.vmcheckpoint.proof.Said.assertRecordingAgain;
import static dev.vmcheckpoint.proof.Said.assertStillUnknown;
import static dev.vmcheckpoint.proof.Said.bitmap;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.vmcheckpoint.proof.fixture.Monitor;
import dev.vmcheckpoint.proof.fixture.Resource;
import dev.vmcheckpoint.proof.fixture.RunningSystem;
import dev.vmcheckpoint.qmp.fixture.Layers;
import dev.vmcheckpoint.qmp.fixture.StoppableMedium;
import dev.vmcheckpoint.qmp.fixture.Tool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What a user sees of a disk whose image has other layers below or above than it had. */
final class LayersIT {
  @RegisterExtension static final RunningSystem SYSTEM = new RunningSystem();

  private static final String DEVICE = "virtio-blk-pci,id=vda,drive=" + Scene.node();
  private static final String JOB = "job";

  @RegisterExtension final Scene scene = new Scene(SYSTEM);

  // Other layers than on record

  @Test
  void anOpenImageThatIsPutOnOtherLayersIsLost() {
    Path base = scene.image();
    Path other = Images.copy(base, scene.file("other.qcow2"));
    scene.useOverlay();
    Resource checkpoint = scene.established();

    putOn(other);

    assertLost(
        checkpoint,
        "ImageReplaced",
        "was put on [%s], recorded is %s on [%s]".formatted(other, scene.image(), base));
  }

  @Test
  void anOpenImageBehindANetworkThatIsPutOnOtherLayersIsLost() {
    Path base = scene.image();
    Path other = Images.copy(base, scene.file("other.qcow2"));
    scene.useOverlay();
    try (StoppableMedium medium = served()) {
      scene.machine().start(on(medium));
      Resource checkpoint = scene.checkpoint();

      putOn(other);

      assertLost(checkpoint, "ImageReplaced", "was put on [%s], recorded is".formatted(other));
    }
  }

  @Test
  void aClosedImageBehindANetworkThatIsPutOnOtherLayersIsLost() {
    Path other = Images.copy(scene.image(), scene.file("other.qcow2"));
    scene.useOverlay();
    try (StoppableMedium medium = served()) {
      scene.machine().start(on(medium));
      Resource checkpoint = scene.checkpoint();
      scene.machine().quit();

      scene
          .machine()
          .start(
              on(
                  medium,
                  "backing.driver=qcow2",
                  "backing.file.driver=file",
                  "backing.file.filename=" + other));

      assertLost(
          checkpoint,
          "ImageReplaced",
          "the backing chain or the data file changed while the image was closed");
    }
  }

  @Test
  void anImageBehindANetworkOnTheLayersOnRecordGoesOnRecording() {
    Path base = scene.image();
    scene.useOverlay();
    try (StoppableMedium medium = served()) {
      scene.machine().start(on(medium));
      Resource checkpoint = scene.checkpoint();
      scene.write("0 64k");
      scene.machine().quit();

      scene
          .machine()
          .start(
              on(
                  medium,
                  "backing.driver=qcow2",
                  "backing.file.driver=file",
                  "backing.file.filename=" + base));

      assertRecording(checkpoint, 64 << 10);
    }
  }

  /** The image behind a network, where it cannot grow, with room for bitmaps. */
  private StoppableMedium served() {
    Tool.run("truncate", "--size=+16M", scene.image().toString());
    return StoppableMedium.of(scene.image(), scene.machine().folder());
  }

  private static List<String> on(StoppableMedium medium, String... options) {
    List<String> arguments = new ArrayList<>(List.of(medium.nodes(Scene.node(), options)));
    arguments.addAll(List.of("-device", DEVICE));
    return arguments;
  }

  /** Gives the open image another one below, as no job does. */
  private void putOn(Path layer) {
    Monitor monitor = scene.machine().monitor();
    monitor.execute(
        "blockdev-add",
        """
        {"driver":"qcow2","node-name":"other","read-only":true,
         "file":{"driver":"file","filename":"%s"}}
        """
            .formatted(layer));
    String options =
        """
        {"driver":"qcow2","node-name":"%s","discard":"unmap","file":"%s","backing":"other"}
        """
            .formatted(Scene.node(), storage(monitor));
    if (monitor.knows("blockdev-reopen")) {
      monitor.execute("blockdev-reopen", "{\"options\":[%s]}".formatted(options));
    } else {
      // Before QEMU 6.1.
      monitor.execute("x-blockdev-reopen", options);
    }
  }

  private String storage(Monitor monitor) {
    for (JsonNode node : monitor.execute("query-named-block-nodes", "{\"flat\":true}")) {
      boolean isFile =
          node.path("drv").asText().equals("file")
              && node.path("file").asText().equals(scene.image().toString());
      if (isFile || node.path("drv").asText().equals("nbd")) {
        return node.path("node-name").asText();
      }
    }
    throw new AssertionError("no node has " + scene.image());
  }

  // Layers that a job took away

  @Test
  void whatACommitMovedBelowAnOverlayIsInTheFilesOnceThatCounts() {
    Path base = scene.image();
    Path middle = Layers.overlay(scene.file("middle.qcow2"), base);
    Tool.run("qemu-io", "-f", "qcow2", "-c", "write -P 7 1M 64k", middle.toString());
    scene.use(Layers.overlay(scene.file("vda.top.qcow2"), middle));
    scene
        .machine()
        .start(
            List.of(
                "-blockdev",
                writable("base", base),
                "-blockdev",
                writable("middle", middle) + ",backing=base",
                "-blockdev",
                writable(Scene.node(), scene.image()) + ",backing=middle",
                "-device",
                DEVICE));
    Resource checkpoint = scene.checkpoint();

    scene
        .machine()
        .whileNobodyLooks(
            () -> {
              commitMiddle();
              scene.carryAlong(checkpoint);
            });

    assertRecording(checkpoint, 0);
    Path copy = Images.copy(base, scene.file("copy.qcow2"));
    assertThat(Tool.run("qemu-io", "-f", "qcow2", "-c", "read -P 7 1M 64k", copy.toString()))
        .doesNotContain("verification failed");
  }

  private static String writable(String node, Path image) {
    return "driver=qcow2,node-name=%s,file.driver=file,file.filename=%s".formatted(node, image);
  }

  private void commitMiddle() {
    Monitor monitor = scene.machine().monitor();
    monitor.run(
        "block-commit",
        "job-id",
        JOB,
        "device",
        Scene.node(),
        "top-node",
        "middle",
        "base-node",
        "base",
        "auto-dismiss",
        false);
    Jobs.awaitEnd(monitor, JOB);
  }

  @Test
  void aListThatWasMergedIntoAnOverlayIsMergedAgainIntoTheLayerThatIsCommittedTo() {
    Resource checkpoint = scene.established();
    scene.write("0 64k");
    carryTwoAlong(checkpoint);
    scene.write("2M 64k");
    assertRecording(checkpoint, 3 * (64 << 10));
    scene.write("3M 1M");

    commitSecond();

    assertRecording(checkpoint, 3 * (64 << 10) + (1 << 20));
  }

  private void carryTwoAlong(Resource checkpoint) {
    scene
        .machine()
        .whileNobodyLooks(
            () -> {
              scene.carryAlong(checkpoint);
              scene.write("1M 64k");
              scene.carryAlong("top", scene.file("top.qcow2"), "second", checkpoint);
            });
  }

  private void commitSecond() {
    Monitor monitor = scene.machine().monitor();
    monitor.run(
        "block-commit",
        "job-id",
        JOB,
        "device",
        "second",
        "base-node",
        "top",
        "auto-dismiss",
        false);
    Jobs.complete(monitor, JOB);
    monitor.run("blockdev-del", "node-name", "second");
  }

  @Test
  void aDiskThatGrewAboveCarriedOverlaysIsOutOfSightUntilTheLowestIsActive() {
    Resource checkpoint = scene.established();
    scene.carryAlong(checkpoint);
    assertRecording(checkpoint, 0);
    scene.carryAlong("top", scene.file("top.qcow2"), "second", checkpoint);
    assertRecording(checkpoint, 0);
    Monitor monitor = scene.machine().monitor();
    monitor.run("block_resize", "node-name", "second", "size", 2 * Scene.SIZE);
    commitSecond();
    assertStillUnknown(checkpoint, "OverlayOnTop", "on the lower layer");

    scene.commit();

    assertRecordingAgain(checkpoint, 0);
  }

  @Test
  void aDiscardOfLessThanAClusterInAnOverlayThatIsCommittedIsTakenForALoss() {
    Resource checkpoint = scene.established();
    scene.carryAlong(checkpoint);
    scene.write("1M 64k");
    scene.discard("2M 4k");
    assertRecording(checkpoint, 2 * (64 << 10));

    scene.commit();

    assertLost(checkpoint, "Cleared", "the bitmap lists 65536 bytes");
  }

  // Overlays of the recorded image's name

  @Test
  void anOverlayThatTookTheNameOfTheImageBelowIsOnTopUntilItIsCommitted() throws IOException {
    Resource checkpoint = scene.established();
    scene.write("0 64k");
    scene.machine().quit();

    Path below = coverWithAnOverlayOfItsName();
    scene.start();

    assertStillUnknown(
        checkpoint,
        "OverlayOnTop",
        "%s is on top of the recorded image %s".formatted(scene.image(), below));
    scene.write("1M 64k");
    scene.machine().quit();
    Tool.run("qemu-img", "commit", "-q", "-f", "qcow2", scene.image().toString());
    Files.move(below, scene.image(), StandardCopyOption.REPLACE_EXISTING);
    scene.start();
    assertRecordingAgain(checkpoint, 2 * (64 << 10));
  }

  @Test
  void anOverlayOfThatNameWhichCarriesTheBitmapAlongGoesOnRecording() throws IOException {
    Resource checkpoint = scene.established();
    scene.write("0 64k");
    scene.machine().quit();

    coverWithAnOverlayOfItsName();
    Tool.run(
        "qemu-img",
        "bitmap",
        "--add",
        "-f",
        "qcow2",
        "-g",
        "65536",
        scene.image().toString(),
        bitmap(checkpoint));
    scene.start();
    scene.write("1M 64k");

    assertRecording(checkpoint, 2 * (64 << 10));
  }

  private Path coverWithAnOverlayOfItsName() throws IOException {
    Path below = Files.move(scene.image(), scene.file("below.qcow2"));
    Layers.overlay(scene.image(), below);
    return below;
  }

  // Nodes on top

  @Test
  void aDiskUnderANodeThatCannotStoreBitmapsIsOutOfSight() {
    Resource checkpoint = scene.established();
    scene.write("0 64k");
    scene.machine().quit();

    scene
        .machine()
        .start(
            List.of(
                "-blockdev",
                writable("below", scene.image()),
                "-blockdev",
                "driver=raw,node-name=%s,file=below".formatted(Scene.node()),
                "-device",
                DEVICE));

    assertStillUnknown(checkpoint, "DiskReplaced", "recorded is " + scene.image());
    scene.restart();
    assertRecordingAgain(checkpoint, 64 << 10);
  }

  // What leaves no trace

  @Test
  void aStreamBelowTwoOverlaysThatCameAtOnceIsNotNoticedWhenTheUpperIsCommitted() {
    Resource checkpoint = scene.established();
    scene.write("0 128k");
    carryTwoAlong(checkpoint);
    assertRecording(checkpoint, 3 * (64 << 10));
    Monitor monitor = scene.machine().monitor();
    monitor.run("block-stream", "job-id", JOB, "device", "top", "auto-dismiss", false);
    Jobs.awaitEnd(monitor, JOB);
    assertRecording(checkpoint, 3 * (64 << 10));
    scene.write("2M 128k");

    commitSecond();

    assertRecording(checkpoint, 3 * (64 << 10));
  }

  @Test
  void aBitmapThatIsAddedToAnOverlayAfterTheGuestWroteToItIsNotNoticed() {
    Resource checkpoint = scene.established();
    scene.putOverlay();
    scene.write("0 64k");
    assertStillUnknown(checkpoint, "OverlayOnTop", "is on top of the recorded image");

    scene
        .machine()
        .monitor()
        .run(
            "block-dirty-bitmap-add",
            "node",
            "top",
            "name",
            bitmap(checkpoint),
            "persistent",
            true,
            "granularity",
            65_536);

    assertRecording(checkpoint, 0);
  }

  @Test
  void aDataFileThatIsExchangedByAnOptionIsNotNoticed() {
    Path data = scene.file("a.data");
    Tool.image(
        scene.image(), "qcow2", Long.toString(Scene.SIZE), "compat=1.1", "data_file=" + data);
    Resource checkpoint = scene.established();
    scene.machine().quit();

    Path other = Images.copy(data, scene.file("b.data"));
    scene
        .machine()
        .start(
            List.of(
                "-blockdev",
                "driver=file,node-name=other,filename=" + other,
                "-blockdev",
                writable(Scene.node(), scene.image()) + ",data-file=other",
                "-device",
                DEVICE));

    JsonNode disk = assertRecording(checkpoint, 0);
    assertThat(disk.path("image").path("file").asText()).isEqualTo(scene.image().toString());
    assertThat(disk.path("image").path("dataFile").asText()).isEqualTo(data.toString());
  }
}
