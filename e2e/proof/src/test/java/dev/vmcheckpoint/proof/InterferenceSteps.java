package dev.vmcheckpoint.proof;

import dev.vmcheckpoint.proof.fixture.Monitor;
import java.util.List;
import java.util.UUID;

/** What another client of the same QEMU does, short of what nobody can notice. */
final class InterferenceSteps {
  private static final String JOB = "other-backup";

  private InterferenceSteps() {}

  /** A bitmap of another tool, or one that looks like ours and is another cluster's. */
  record ForeignBitmap(int device, boolean persistent, boolean looksLikeOurs)
      implements DeviceStep {
    @Override
    public boolean take(World world, String name, Volume volume) {
      String bitmap =
          looksLikeOurs
              ? "vmcp-%s.a1.%s".formatted(UUID.randomUUID(), name)
              : world.newName("other");
      world
          .machine()
          .monitor()
          .run(
              "block-dirty-bitmap-add",
              "node",
              world.node(name),
              "name",
              bitmap,
              "persistent",
              persistent,
              "granularity",
              Volume.CLUSTER_BYTES);
      volume.bitmaps().add(bitmap, Volume.CLUSTER_BYTES, persistent);
      world.foreign().add(bitmap);
      return true;
    }
  }

  /** Somebody disables the bitmaps of all checkpoints on a device. It costs them. */
  record Disable(int device) implements DeviceStep {
    @Override
    public boolean take(World world, String name, Volume volume) {
      List<String> ours = world.disksOn(volume).map(TrackedDisk::bitmap).toList();
      for (QemuBitmap bitmap : world.bitmaps(name)) {
        if (ours.contains(bitmap.name()) && bitmap.isHealthy() && !bitmap.busy()) {
          world
              .machine()
              .monitor()
              .run("block-dirty-bitmap-disable", "node", world.node(name), "name", bitmap.name());
          volume.bitmaps().remove(bitmap.name());
        }
      }
      return true;
    }
  }

  /** A backup of what a checkpoint's bitmap lists begins. The disk is Unknown until it ends. */
  record BeginBackup(int number) implements Step {
    @Override
    public boolean take(World world) {
      List<TrackedDisk> candidates =
          world
              .disks()
              .filter(
                  disk ->
                      disk.isRecording()
                          && disk.volume().equals(world.devices().get(disk.device()))
                          && disk.volume().bitmaps().has(disk.bitmap()))
              .toList();
      if (!world.machine().isRunning() || !world.isQuiet() || candidates.isEmpty()) {
        return false;
      }
      TrackedDisk disk = candidates.get(number % candidates.size());
      world
          .machine()
          .monitor()
          .run(
              "drive-backup",
              "job-id",
              JOB,
              "device",
              world.node(disk.device()),
              "target",
              world.newFile(".raw").toString(),
              "format",
              "raw",
              "sync",
              "bitmap",
              "bitmap",
              disk.bitmap(),
              "bitmap-mode",
              "never",
              "auto-finalize",
              false,
              "auto-dismiss",
              false);
      world.busyBitmaps().add(disk.bitmap());
      return true;
    }
  }

  /** The backup ends. It costs nothing. */
  record EndBackup() implements Step {
    @Override
    public boolean take(World world) {
      if (!world.machine().isRunning() || world.busyBitmaps().isEmpty()) {
        return false;
      }
      Monitor monitor = world.machine().monitor();
      Jobs.finish(monitor, JOB);
      world.busyBitmaps().clear();
      return true;
    }
  }

  /** Another tool's NBD server, which is in the way of the system's own. It costs nothing. */
  record BeginServer() implements Step {
    @Override
    public boolean take(World world) {
      return world.machine().isRunning() && world.machine().startServer();
    }
  }

  /** The other tool's NBD server ends. */
  record EndServer() implements Step {
    @Override
    public boolean take(World world) {
      return world.machine().isRunning() && world.machine().stopServer();
    }
  }
}
