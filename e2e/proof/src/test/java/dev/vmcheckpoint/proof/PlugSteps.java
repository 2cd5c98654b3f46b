package dev.vmcheckpoint.proof;

import dev.vmcheckpoint.proof.fixture.Awaiting;
import dev.vmcheckpoint.proof.fixture.Monitor;
import java.util.List;
import java.util.Map;

/** Disks that come and go while the machine runs. */
final class PlugSteps {
  private static final String NEW_DEVICE = "vdc";

  private PlugSteps() {}

  /** A SCSI disk goes. It is Unknown until it comes back. */
  record Unplug(int device) implements DeviceStep {
    @Override
    public boolean take(World world, String name, Volume volume) {
      if (name.equals("vda") || volume.chain().size() > 1 || !world.isQuiet()) {
        return false;
      }
      Monitor monitor = world.machine().monitor();
      monitor.run("device_del", "id", name);
      Awaiting.of("the end of device " + name)
          .until(() -> world.machine().devices().stream().noneMatch(name::equals));
      List<String> nodes = world.nodesOf(volume.active());
      nodes.forEach(node -> monitor.run("blockdev-del", "node-name", node));
      volume.close();
      world.unplugged().put(name, volume);
      world.devices().remove(name);
      return true;
    }
  }

  /** A disk that has gone comes back. It costs nothing. */
  record Replug() implements Step {
    @Override
    public boolean take(World world) {
      if (!world.machine().isRunning() || world.unplugged().isEmpty()) {
        return false;
      }
      Map.Entry<String, Volume> back = world.unplugged().entrySet().iterator().next();
      String name = back.getKey();
      Volume volume = back.getValue();
      world.unplugged().remove(name);
      world.machine().plug(name, volume.active(), world.newName("plugged"));
      volume.open();
      world.devices().put(name, volume);
      return true;
    }
  }

  /** A new disk comes, which is in no checkpoint. */
  record PlugNew(int clusters) implements Step {
    @Override
    public boolean take(World world) {
      if (!world.machine().isRunning()
          || world.devices().containsKey(NEW_DEVICE)
          || world.unplugged().containsKey(NEW_DEVICE)) {
        return false;
      }
      Volume volume = world.newVolume(clusters);
      world.machine().plug(NEW_DEVICE, volume.active(), world.newName("plugged"));
      volume.open();
      world.devices().put(NEW_DEVICE, volume);
      return true;
    }
  }
}
