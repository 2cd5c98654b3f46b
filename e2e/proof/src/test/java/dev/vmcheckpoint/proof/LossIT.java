package dev.vmcheckpoint.proof;

import static dev.vmcheckpoint.proof.Said.assertLost;
import static dev.vmcheckpoint.proof.Said.assertRecording;
import static dev.vmcheckpoint.proof.Said.assertRecordingOn;
import static dev.vmcheckpoint.proof.Said.bitmap;
import static dev.vmcheckpoint.proof.Said.disk;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.vmcheckpoint.proof.fixture.Resource;
import dev.vmcheckpoint.proof.fixture.RunningSystem;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What a user sees of a disk that lost its checkpoint, and of those beside it that did not. */
final class LossIT {
  @RegisterExtension static final RunningSystem SYSTEM = new RunningSystem();

  private static final String ROLLED_BACK =
      "the image lacks the marker of its last known opening, and so what was written since";

  @RegisterExtension final Scene scene = new Scene(SYSTEM);

  @Test
  void aBitmapThatAKilledQemuHadLoadedIsInconsistent() {
    Resource checkpoint = scene.established();
    scene.restart();
    assertRecording(checkpoint, 0);

    scene.machine().kill();

    scene.start();
    assertLost(
        checkpoint,
        "BitmapInconsistent",
        "the bitmap was still marked in use when QEMU opened the image");
  }

  @Test
  void aBitmapThatWasLoadedAndStoredAgainGoesOnRecording() {
    Resource checkpoint = scene.established();
    scene.write("0 64k");
    scene.restart();
    assertRecording(checkpoint, 64 << 10);

    scene.restart();

    assertRecording(checkpoint, 64 << 10);
  }

  @Test
  void aBitmapThatSomebodyRemovesCostsThatDiskOfThatCheckpoint() {
    scene.start();
    scene.plugSecond();
    Resource checkpoint = scene.checkpoint();
    Resource other = scene.checkpoint();

    onBitmap("remove", checkpoint);

    assertRecordingOn(
        assertLost(checkpoint, "BitmapMissing", "the bitmap is not there any more"), 1);
    assertRecording(other);
  }

  @Test
  void theLossOfAFurtherDiskIsToldAsWell() {
    scene.start();
    scene.plugSecond();
    Resource checkpoint = scene.checkpoint();
    onBitmap("remove", checkpoint);
    assertLost(checkpoint, "BitmapMissing", "the bitmap is not there any more");

    scene
        .machine()
        .monitor()
        .run(
            "block-dirty-bitmap-disable",
            "node",
            "second",
            "name",
            disk(checkpoint.status(), 1).path("bitmap").asText());

    assertLost(checkpoint, 1, "BitmapNotRecording", "the bitmap is disabled");
  }

  @Test
  void aBitmapThatSomebodyDisablesIsLostThoughEnabledAgain() {
    Resource checkpoint = scene.established();
    String bitmap = bitmap(checkpoint);

    onBitmap("disable", checkpoint);

    assertLost(checkpoint, "BitmapNotRecording", "the bitmap is disabled");
    assertThat(checkpoint.probe().at("/disks/0/state").asText()).isEqualTo("Lost");
    assertThat(bitmap(checkpoint)).isEqualTo(bitmap);
  }

  private void onBitmap(String verb, Resource checkpoint) {
    scene
        .machine()
        .monitor()
        .run("block-dirty-bitmap-" + verb, "node", Scene.node(), "name", bitmap(checkpoint));
  }

  @Test
  void anImageThatGoesBackToAnOlderCopyIsLost() throws IOException {
    Resource checkpoint = scene.established();
    scene.machine().quit();
    Path saved = Images.copy(scene.image(), scene.file("saved.qcow2"));
    scene.start();
    assertRecording(checkpoint, 0);
    scene.write("0 64k");
    scene.machine().quit();

    Files.move(saved, scene.image(), StandardCopyOption.REPLACE_EXISTING);

    scene.start();
    assertLost(checkpoint, "RolledBack", ROLLED_BACK);
  }

  @Test
  void anImageThatGoesBackToACopyOfItsPresentStateCostsNothing() throws IOException {
    Resource checkpoint = scene.established();
    scene.write("0 64k");
    scene.machine().quit();
    Path saved = Images.copy(scene.image(), scene.file("saved.qcow2"));

    Files.move(saved, scene.image(), StandardCopyOption.REPLACE_EXISTING);

    scene.start();
    assertRecording(checkpoint, 64 << 10);
  }

  @Test
  void aCarriedOverlayThatIsThrownAwayIsALoss() {
    Resource checkpoint = scene.established();
    scene.carryAlong(checkpoint);
    scene.write("0 64k");
    assertRecording(checkpoint, 64 << 10);
    scene.machine().quit();

    scene.start();

    assertLost(checkpoint, "RolledBack", ROLLED_BACK);
  }

  @Test
  void aCarriedOverlayThatStaysOnTopCostsNothing() {
    Resource checkpoint = scene.established();
    scene.carryAlong(checkpoint);
    scene.write("0 64k");
    assertRecording(checkpoint, 64 << 10);
    scene.machine().quit();

    scene.use(scene.file("top.qcow2"));

    scene.start();
    assertRecording(checkpoint, 64 << 10);
  }

  @Test
  void aDiskThatShrinksWhileTheGuestRunsIsLost() {
    Resource checkpoint = scene.established();

    resize(Scene.SIZE / 2);

    assertLost(checkpoint, "Shrunk", "the disk has 4194304 bytes, recorded are 8388608");
  }

  @Test
  void aDiskThatGrowsWhileTheGuestRunsGoesOnRecording() {
    Resource checkpoint = scene.established();

    resize(2 * Scene.SIZE);

    JsonNode disk = assertRecording(checkpoint);
    assertThat(disk.path("virtualSizeBytes").asLong()).isEqualTo(2 * Scene.SIZE);
  }

  private void resize(long bytes) {
    scene.machine().monitor().run("block_resize", "node-name", Scene.node(), "size", bytes);
  }
}
