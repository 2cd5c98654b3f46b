package dev.vmcheckpoint.proof;

/** A step on one device, which can be taken only while the machine runs, or only while not. */
interface DeviceStep extends Step {
  /** Which device; taken modulo their number. */
  int device();

  /** Whether the machine has to run. */
  default boolean needsMachine() {
    return true;
  }

  /** Takes the step on a device. */
  boolean take(World world, String device, Volume volume);

  @Override
  default boolean take(World world) {
    return world.machine().isRunning() == needsMachine()
        && world.device(device()).filter(name -> take(world, name, world.volume(name))).isPresent();
  }
}
