package dev.vmcheckpoint.proof;

import dev.vmcheckpoint.proof.fixture.Monitor;
import dev.vmcheckpoint.qmp.fixture.Tool;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Snapshots and block jobs that another tool makes while the machine runs. */
final class LayerSteps {
  private static final int MOST_LAYERS = 4;
  private static final String JOB = "proof-job";

  private LayerSteps() {}

  /** An external snapshot without the bitmaps: each disk is Unknown until it was committed. */
  record Snapshot(int device) implements DeviceStep {
    @Override
    public boolean take(World world, String name, Volume volume) {
      if (volume.chain().size() == MOST_LAYERS || !world.isQuiet()) {
        return false;
      }
      Path file = world.newFile(".qcow2");
      world
          .machine()
          .monitor()
          .run(
              "blockdev-snapshot-sync",
              "node-name",
              world.node(name),
              "snapshot-file",
              file.toString(),
              "format",
              "qcow2",
              "snapshot-node-name",
              world.newName("overlay"));
      volume.push(file, new Bitmaps());
      return true;
    }
  }

  /** An external snapshot as libvirt makes it, with the bitmaps carried along. It costs nothing. */
  record CarriedSnapshot(int device) implements DeviceStep {
    @Override
    public boolean take(World world, String name, Volume volume) {
      if (volume.chain().size() == MOST_LAYERS || !world.isQuiet()) {
        return false;
      }
      Path file = createOver(volume, world.newFile(".qcow2"));
      Monitor monitor = world.machine().monitor();
      String overlay = world.newName("overlay");
      monitor.execute(
          "blockdev-add",
          """
          {"driver":"qcow2","node-name":"%s","discard":"unmap","backing":null,
           "file":{"driver":"file","filename":"%s"}}
          """
              .formatted(overlay, file));
      List<String> carried = new ArrayList<>();
      List<String> actions = new ArrayList<>();
      for (QemuBitmap bitmap : world.bitmaps(name)) {
        if (bitmap.isHealthy() && bitmap.persistent()) {
          carried.add(bitmap.name());
          actions.add(
              """
              {"type":"block-dirty-bitmap-add","data":
               {"node":"%s","name":"%s","persistent":true,"granularity":%d}}
              """
                  .formatted(overlay, bitmap.name(), bitmap.granularityBytes()));
        }
      }
      actions.add(
          "{\"type\":\"blockdev-snapshot\",\"data\":{\"node\":\"%s\",\"overlay\":\"%s\"}}"
              .formatted(world.node(name), overlay));
      monitor.execute("transaction", "{\"actions\":[%s]}".formatted(String.join(",", actions)));
      volume.push(file, volume.bitmaps().carried(carried, world.foreign()));
      return true;
    }

    private static Path createOver(Volume volume, Path file) {
      Tool.run(
          "qemu-img",
          "create",
          "-q",
          "-u",
          "-f",
          "qcow2",
          "-b",
          volume.active().toString(),
          "-F",
          "qcow2",
          file.toString(),
          Long.toString(volume.sizeBytes()));
      return file;
    }
  }

  /**
   * Commits what is above a layer into it. It costs those disks nothing whose bitmaps are there.
   */
  record Commit(int device, int into) implements DeviceStep {
    @Override
    public boolean take(World world, String name, Volume volume) {
      if (volume.chain().size() == 1 || !world.isQuiet()) {
        return false;
      }
      int target = into % (volume.chain().size() - 1);
      Monitor monitor = world.machine().monitor();
      monitor.run(
          "block-commit",
          "job-id",
          JOB,
          "device",
          world.node(name),
          "base-node",
          world.nodeOf(volume.chain().get(target).file()),
          "auto-dismiss",
          false);
      Jobs.complete(monitor, JOB);
      // Overlays that were added by hand are there until they are removed by hand.
      volume.chain().subList(target + 1, volume.chain().size()).reversed().stream()
          .flatMap(layer -> world.nodesOf(layer.file()).stream())
          .forEach(node -> monitor.run("blockdev-del", "node-name", node));
      volume.commitInto(target);
      volume.beginEpoch();
      world.disksOn(volume).forEach(TrackedDisk::setChainChanged);
      return true;
    }
  }

  /**
   * The active image takes over all data of those below: what was recorded there is left behind.
   * Until the job is dismissed QEMU would not survive a look, so nothing may be relied on.
   */
  record Stream(int device) implements DeviceStep {
    @Override
    public boolean take(World world, String name, Volume volume) {
      if (volume.chain().size() == 1 || !world.isQuiet()) {
        return false;
      }
      Monitor monitor = world.machine().monitor();
      monitor.run("block-stream", "job-id", JOB, "device", world.node(name), "auto-dismiss", false);
      Jobs.awaitConcluded(monitor, JOB);
      List<TrackedDisk> recording = new Checker(world).recording();
      if (!recording.isEmpty()) {
        throw new AssertionError("nobody can have looked, but Recording are " + recording);
      }
      Jobs.dismiss(monitor, JOB);
      volume.dropBelow();
      world.disksOn(volume).forEach(TrackedDisk::isStreamed);
      return true;
    }
  }

  /** The device goes over to a copy of the disk, without bitmaps: every disk on it is Unknown. */
  record Mirror(int device) implements DeviceStep {
    @Override
    public boolean take(World world, String name, Volume volume) {
      if (!world.isQuiet()) {
        return false;
      }
      Path file = world.newFile(".qcow2");
      Monitor monitor = world.machine().monitor();
      monitor.run(
          "drive-mirror",
          "job-id",
          JOB,
          "device",
          world.node(name),
          "target",
          file.toString(),
          "format",
          "qcow2",
          "sync",
          "full",
          "node-name",
          world.newName("mirror"),
          "auto-dismiss",
          false);
      Jobs.complete(monitor, JOB);
      volume.replace(file, new Bitmaps());
      return true;
    }
  }
}
