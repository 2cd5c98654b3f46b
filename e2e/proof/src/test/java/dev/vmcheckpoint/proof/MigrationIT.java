package dev.vmcheckpoint.proof;

import static dev.vmcheckpoint.proof.Said.assertLost;
import static dev.vmcheckpoint.proof.Said.assertRecording;
import static dev.vmcheckpoint.proof.Said.assertRecordingAgain;
import static dev.vmcheckpoint.proof.Said.assertStillUnknown;
import static dev.vmcheckpoint.proof.Said.assertUnknown;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.vmcheckpoint.proof.fixture.Devices;
import dev.vmcheckpoint.proof.fixture.Machine;
import dev.vmcheckpoint.proof.fixture.Resource;
import dev.vmcheckpoint.proof.fixture.RunningSystem;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a user sees of a disk when its machine migrates, and when one end of that dies. */
final class MigrationIT {
  @RegisterExtension static final RunningSystem SYSTEM = new RunningSystem();

  private static final String MIGRATING = "is in run state running, migration active";

  @RegisterExtension final Scene scene = new Scene(SYSTEM);

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aMachineIsOutOfSightUntilItArrives(boolean dirtyBitmaps) {
    Resource checkpoint = scene.established();
    scene.write("0 64k");
    try (Machine.Target target = scene.machine().new Target(scene.disks())) {
      target.expect(dirtyBitmaps);
      target.migrateSlowly();
      assertUnknown(checkpoint, "Migrating", MIGRATING);

      target.hurry();
      assertThat(target.hasGuest()).isTrue();
      target.takeOver();

      assertRecordingAgain(checkpoint, 64 << 10);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aMachineWhoseImageIsCalledOtherwiseWhereItArrivesGoesOnRecording(boolean dirtyBitmaps)
      throws IOException {
    Path alias = Files.createSymbolicLink(scene.file("alias.qcow2"), scene.image());
    Resource checkpoint = scene.established();
    scene.write("0 64k");
    try (Machine.Target target = scene.machine().new Target(Map.of(Scene.VDA, alias))) {
      goOver(target, dirtyBitmaps);
      target.takeOver();

      JsonNode disk = assertRecording(checkpoint, 64 << 10);
      assertThat(disk.path("image").path("file").asText()).isEqualTo(alias.toString());
    }
  }

  @Test
  void aMachineIsOutOfSightUntilItsMigrationFails() {
    Resource checkpoint = scene.established();
    scene.write("0 64k");
    try (Machine.Target target = scene.machine().new Target(scene.disks())) {
      target.expect(false);
      target.migrateSlowly();
      assertUnknown(checkpoint, "Migrating", MIGRATING);
    }
    scene.machine().awaitFailedMigration();

    assertRecordingAgain(checkpoint, 64 << 10);
  }

  @Test
  void aTargetThatIsKilledAfterItTookTheGuestCostsItsDisks() {
    Resource checkpoint = scene.established();
    try (Machine.Target target = scene.machine().new Target(scene.disks())) {
      goOver(target, false);
    }

    scene.machine().monitor().run("cont");

    assertLost(
        checkpoint,
        "BitmapInconsistent",
        "the bitmap was still marked in use when QEMU opened the image");
  }

  @Test
  void aTargetThatEndsInOrderAfterItTookTheGuestCostsNothing() {
    Resource checkpoint = scene.established();
    try (Machine.Target target = scene.machine().new Target(scene.disks())) {
      goOver(target, false);
      write(target);
      target.quit();
    }

    scene.machine().monitor().run("cont");

    assertRecording(checkpoint, 64 << 10);
  }

  @Test
  void aSourceThatDiesInPostcopyCostsTheDisksWhoseBitmapsHadNotArrived() {
    scene.use(Images.create(scene.file("large.qcow2"), 1L << 40));
    Resource checkpoint = scene.established();
    try (Machine.Target target = scene.machine().new Target(scene.disks())) {
      target.expect(true);
      target.beginPostcopy();
      assertStillUnknown(checkpoint, "Migrating", "migration postcopy-active");

      scene.machine().kill();
      target.takeOver();

      assertLost(checkpoint, "BitmapMissing", "the bitmap is not there any more");
    }
  }

  @Test
  void bitmapsThatArriveInPostcopyGoOnRecording() {
    scene.use(Images.create(scene.file("large.qcow2"), 1L << 40));
    Resource checkpoint = scene.established();
    scene.write("0 64k");
    try (Machine.Target target = scene.machine().new Target(scene.disks())) {
      target.expect(true);
      target.beginPostcopy();

      target.hurryPostcopy();
      assertThat(target.hasGuest()).isTrue();
      target.takeOver();

      assertRecording(checkpoint, 64 << 10);
    }
  }

  // Known limits: the bitmaps, and the marks of the opening, are in what was sent or saved

  @Test
  void aSourceThatGoesOnThoughItsTargetRanTheGuestIsNotNoticed() {
    Resource checkpoint = scene.established();
    scene
        .machine()
        .whileNobodyLooks(
            () -> {
              try (Machine.Target target = scene.machine().new Target(scene.disks())) {
                goOver(target, true);
                write(target);
              }
              scene.machine().monitor().run("cont");
            });

    assertRecording(checkpoint, 0);
  }

  @Test
  void aMachineThatIsRestoredFromOneSavedStateTwiceIsNotNoticed() {
    Resource checkpoint = scene.established();
    Path state = scene.file("state");
    scene.machine().save(state);
    restore(state);
    assertRecording(checkpoint, 0);
    scene
        .machine()
        .whileNobodyLooks(
            () -> {
              scene.write("-f 0 64k");
              scene.machine().kill();
            });

    restore(state);

    assertRecording(checkpoint, 0);
  }

  @Test
  void aMachineThatIsRestoredFromASavedStateOnceGoesOnRecording() {
    Resource checkpoint = scene.established();
    scene.write("0 64k");
    Path state = scene.file("state");
    scene.machine().save(state);

    restore(state);

    assertRecording(checkpoint, 64 << 10);
  }

  private void restore(Path state) {
    try (Machine.Target restored = scene.machine().new Target(scene.disks())) {
      restored.restore(state);
      restored.takeOver();
    }
  }

  private static void goOver(Machine.Target target, boolean dirtyBitmaps) {
    target.expect(dirtyBitmaps);
    target.migrate();
    assertThat(target.hasGuest()).isTrue();
  }

  private static void write(Machine.Target target) {
    target.monitor().human("qemu-io -d %s \"write -f 0 64k\"".formatted(Devices.qdev(Scene.VDA)));
  }
}
