package dev.vmcheckpoint.proof;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.vmcheckpoint.proof.fixture.Monitor;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Function;

/** What another client of the same QEMU does, short of what nobody can notice. */
final class InterferenceSteps {
  private static final ObjectMapper JSON = new ObjectMapper();
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

  /**
   * Somebody disables the bitmaps of all checkpoints on a device, and that is seen. It costs them.
   */
  record Disable(int device) implements DeviceStep {
    @Override
    public boolean take(World world, String name, Volume volume) {
      return lose(
          world,
          name,
          volume,
          bitmap -> List.of(action("disable", Map.of("node", world.node(name), "name", bitmap))));
    }
  }

  /**
   * Somebody removes the bitmaps of all checkpoints on a device, at once creations that were sent
   * before make them anew, each as an attempt of its own, and that is seen. It costs them.
   */
  record LateCreation(int device) implements DeviceStep {
    @Override
    public boolean take(World world, String name, Volume volume) {
      return lose(
          world,
          name,
          volume,
          bitmap -> {
            String node = world.node(name);
            String late = bitmap.replaceFirst("[.][0-9a-z]+[.]", ".late.");
            world.lateBitmaps().add(late);
            return List.of(
                action("remove", Map.of("node", node, "name", bitmap)),
                action("add", Map.of("node", node, "name", late, "persistent", true)));
          });
    }
  }

  private static JsonNode action(String verb, Map<String, Object> data) {
    return JSON.valueToTree(Map.of("type", "block-dirty-bitmap-" + verb, "data", data));
  }

  /**
   * Does something to bitmaps of checkpoints at one instant.
   *
   * @param actions what costs one bitmap
   */
  private static boolean lose(
      World world, String name, Volume volume, Function<String, List<JsonNode>> actions) {
    new Checker(world).check();
    List<String> ours =
        world.disksOn(volume).filter(disk -> !disk.isLost()).map(TrackedDisk::bitmap).toList();
    List<String> lost =
        world.bitmaps(name).stream()
            .filter(bitmap -> bitmap.isHealthy() && !bitmap.busy())
            .map(QemuBitmap::name)
            .filter(ours::contains)
            .toList();
    if (lost.isEmpty()) {
      return false;
    }
    List<JsonNode> all = lost.stream().flatMap(bitmap -> actions.apply(bitmap).stream()).toList();
    world
        .machine()
        .monitor()
        .execute("transaction", JSON.valueToTree(Map.of("actions", all)).toString());
    lost.forEach(volume.bitmaps()::remove);
    new Checker(world).check();
    return true;
  }

  /** A backup of what a checkpoint's bitmap lists begins. The disk is Unknown until it ends. */
  record BeginBackup(int number) implements Step {
    @Override
    public boolean take(World world) {
      if (!world.machine().isRunning() || !world.isQuiet()) {
        return false;
      }
      List<TrackedDisk> candidates = new Checker(world).recording();
      if (candidates.isEmpty()) {
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
