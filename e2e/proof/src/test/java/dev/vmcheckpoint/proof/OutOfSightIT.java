package dev.vmcheckpoint.proof;

import static dev.vmcheckpoint.proof.Said.assertRecordingAgain;
import static dev.vmcheckpoint.proof.Said.assertRecordingOn;
import static dev.vmcheckpoint.proof.Said.assertStillUnknown;
import static dev.vmcheckpoint.proof.Said.assertUnknown;
import static dev.vmcheckpoint.proof.Said.bitmap;

import dev.vmcheckpoint.proof.fixture.Monitor;
import dev.vmcheckpoint.proof.fixture.Resource;
import dev.vmcheckpoint.proof.fixture.RunningSystem;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What a user sees of a disk that cannot be seen for a while, and when it can be seen again. */
final class OutOfSightIT {
  @RegisterExtension static final RunningSystem SYSTEM = new RunningSystem();

  private static final String JOB = "job";

  @RegisterExtension final Scene scene = new Scene(SYSTEM);

  @Test
  void aStoppedMachine() {
    Resource checkpoint = scene.established();
    scene.write("0 64k");

    scene.stop();

    assertStillUnknown(
        checkpoint,
        "VirtualMachineNotFound",
        "no pod in this namespace is labelled as virtual machine " + scene.machine().name());
    scene.start();
    assertRecordingAgain(checkpoint, 64 << 10);
  }

  @Test
  void anUnpluggedDisk() {
    scene.start();
    Path second = scene.plugSecond();
    Resource checkpoint = scene.checkpoint();

    scene.unplugSecond();

    assertRecordingOn(
        assertUnknown(checkpoint, 1, "Detached", "the machine has no such disk now"), 0);
    scene.plugSecond(second);
    assertRecordingAgain(checkpoint, 0);
  }

  @Test
  void aBitmapThatABackupUses() {
    Resource checkpoint = scene.established();
    scene.write("0 64k");
    Monitor monitor = scene.machine().monitor();

    monitor.run(
        "drive-backup",
        "job-id",
        JOB,
        "device",
        Scene.node(),
        "target",
        scene.file("backup.raw").toString(),
        "format",
        "raw",
        "sync",
        "bitmap",
        "bitmap",
        bitmap(checkpoint),
        "bitmap-mode",
        "never",
        "auto-finalize",
        false,
        "auto-dismiss",
        false);

    assertUnknown(checkpoint, "Busy", "a job or an export uses the bitmap");
    Jobs.finish(monitor, JOB);
    assertRecordingAgain(checkpoint, 64 << 10);
  }

  @Test
  void aMachineWithAStreamThatHasNotEnded() {
    scene.useOverlay();
    Resource checkpoint = scene.established();
    Monitor monitor = scene.machine().monitor();

    monitor.run(
        "block-stream",
        "job-id",
        JOB,
        "device",
        Scene.node(),
        "auto-finalize",
        false,
        "auto-dismiss",
        false);

    assertUnknown(checkpoint, "Busy", "job " + JOB);
    Jobs.finish(monitor, JOB);
    assertRecordingAgain(checkpoint, 0);
  }

  @Test
  void aDiskUnderAnOverlay() {
    Resource checkpoint = scene.established();

    scene.putOverlay();

    assertUnknown(
        checkpoint,
        "OverlayOnTop",
        "%s is on top of the recorded image %s".formatted(scene.file("top.qcow2"), scene.image()));
    scene.write("0 64k");
    scene.commit();
    assertRecordingAgain(checkpoint, 64 << 10);
  }
}
