package dev.vmcheckpoint.proof;

/**
 * What the model expects to be said of a disk.
 *
 * @param state the only right one
 * @param because why
 */
record Expectation(String state, String because) {
  /**
   * What is to be said of a disk of an established checkpoint in the present state of the world.
   */
  static Expectation of(World world, TrackedDisk disk) {
    if (!world.machine().isRunning()) {
      return new Expectation("Unknown", "the machine does not run");
    }
    Volume now = world.devices().get(disk.device());
    if (now == null) {
      return new Expectation("Unknown", "the device is not there");
    }
    if (!now.equals(disk.volume())) {
      return new Expectation("Unknown", "the device holds another disk");
    }
    if (!now.bitmaps().has(disk.bitmap())) {
      return new Expectation("Lost", "the bitmap cannot be there any more");
    }
    return new Expectation("Recording", "nothing has happened to the bitmap");
  }

  /**
   * Holds what was said against it.
   *
   * @param last whether what is there must have been seen by now; before, Unknown may be said
   * @return whether it is right
   */
  boolean accepts(TrackedDisk disk, boolean last) {
    if (disk.state().equals(state)) {
      return true;
    }
    if (disk.state().equals("Unknown") && !last) {
      return false;
    }
    throw new AssertionError("expected is %s, as %s; said is %s".formatted(state, because, disk));
  }
}
