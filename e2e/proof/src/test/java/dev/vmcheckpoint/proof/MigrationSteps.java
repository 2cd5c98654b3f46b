package dev.vmcheckpoint.proof;

import dev.vmcheckpoint.proof.fixture.Devices;

/** Live migration between two QEMUs that share the images. */
final class MigrationSteps {
  private MigrationSteps() {}

  /**
   * Migrates, with a check while there are two pods. It costs nothing, also where it fails.
   *
   * @param dirtyBitmaps whether bitmaps travel in the stream and not by way of the image
   */
  record Migrate(boolean dirtyBitmaps) implements Step {
    @Override
    public boolean take(World world) {
      if (!world.machine().isRunning()
          || !world.isQuiet()
          || (dirtyBitmaps && !namesWillMatch(world))) {
        return false;
      }
      boolean done =
          world.machine().migrate(world.images(), dirtyBitmaps, () -> new Checker(world).check());
      if (done) {
        world.devices().values().forEach(volume -> goOver(volume));
      }
      world.tally().count(done ? "migration" : "failed migration");
      return true;
    }

    private void goOver(Volume volume) {
      if (!dirtyBitmaps) {
        volume.close();
      }
      volume.open();
    }
  }

  /** In the stream a bitmap is known by the name of its node. */
  private static boolean namesWillMatch(World world) {
    return world.devices().entrySet().stream()
        .allMatch(
            device ->
                device.getValue().chain().size() == 1
                    && world.node(device.getKey()).equals(Devices.node(device.getKey())));
  }
}
