package dev.vmcheckpoint.proof;

import java.util.Set;

/**
 * What the model expects to be said of a disk.
 *
 * @param states what is right
 * @param because why
 */
record Expectation(Set<String> states, String because) {
  private static final String RECORDING = "Recording";
  private static final String UNKNOWN = "Unknown";
  private static final String LOST = "Lost";

  /**
   * What is to be said of a disk of an established checkpoint in the present state of the world.
   */
  static Expectation of(World world, TrackedDisk disk) {
    if (!world.machine().isRunning()) {
      return only(UNKNOWN, "the machine does not run");
    }
    Volume now = world.devices().get(disk.device());
    if (now == null) {
      return only(UNKNOWN, "the device is not there");
    }
    if (!now.equals(disk.volume())) {
      return only(UNKNOWN, "the device holds another volume");
    }
    if (world.busyBitmaps().contains(disk.bitmap())) {
      return only(UNKNOWN, "somebody uses the bitmap");
    }
    if (!now.bitmaps().has(disk.bitmap())) {
      if (disk.recordedImage().equals(now.active())) {
        return only(LOST, "the bitmap cannot be there any more");
      }
      return now.bitmaps().mayBeBroken(disk.bitmap())
          ? new Expectation(
              Set.of(LOST, UNKNOWN), "another image is active, on which QEMU was killed")
          : only(UNKNOWN, "another image is active, and has no such bitmap");
    }
    if (disk.isShrunk()) {
      return only(LOST, "the disk was smaller");
    }
    if (disk.isChainChangedUnseen() && disk.rollback() == TrackedDisk.Rollback.NONE) {
      return new Expectation(
          Set.of(LOST, RECORDING),
          "nobody looked between a job that changed the chain and a new opening");
    }
    if (disk.isPerhapsLeftBelow() && disk.rollback() == TrackedDisk.Rollback.NONE) {
      return new Expectation(
          Set.of(LOST, RECORDING), "a stream may have been faster than the merge of its list");
    }
    return switch (disk.rollback()) {
      case LEFT_ABOVE, CERTAIN -> only(LOST, "the disk is older than it was when it was last seen");
      case PERHAPS ->
          new Expectation(Set.of(LOST, RECORDING), "the disk may be older than when it was seen");
      case NONE -> only(RECORDING, "nothing has happened to the bitmap");
    };
  }

  /** Whether whoever looks now may find it lost, and may be right. */
  boolean permitsLoss() {
    return states.contains(LOST);
  }

  private static Expectation only(String state, String because) {
    return new Expectation(Set.of(state), because);
  }

  /**
   * Holds what was said against it.
   *
   * @param last whether what is there must have been seen by now; before, Unknown may be said
   * @return whether it is right
   */
  boolean accepts(TrackedDisk disk, boolean last) {
    if (states.contains(disk.state()) || (disk.isLost() && disk.mayHaveBeenLost())) {
      return true;
    }
    if (disk.state().equals(UNKNOWN) && !last) {
      return false;
    }
    throw new AssertionError("expected is %s, as %s; said is %s".formatted(states, because, disk));
  }
}
