package dev.vmcheckpoint.proof;

/** Changes of a disk's size while the machine runs. */
final class ResizeSteps {
  private static final int MOST_CLUSTERS = 128;

  private ResizeSteps() {}

  /** Makes a disk greater. It costs nothing. */
  record Grow(int device, int clusters) implements DeviceStep {
    @Override
    public boolean take(World world, String name, Volume volume) {
      long size = volume.sizeBytes() + (long) clusters * Volume.CLUSTER_BYTES;
      return size <= (long) MOST_CLUSTERS * Volume.CLUSTER_BYTES
          && resize(world, name, volume, size);
    }
  }

  /**
   * Makes a disk smaller, and lets its size be seen before and after. It costs every disk there.
   */
  record Shrink(int device, int clusters) implements DeviceStep {
    @Override
    public boolean take(World world, String name, Volume volume) {
      long size = volume.sizeBytes() - (long) clusters * Volume.CLUSTER_BYTES;
      if (size <= 0) {
        return false;
      }
      new Checker(world).check();
      if (!resize(world, name, volume, size)) {
        return false;
      }
      world
          .disksOn(volume)
          .filter(disk -> disk.device().equals(name) && volume.bitmaps().has(disk.bitmap()))
          .forEach(TrackedDisk::setShrunk);
      new Checker(world).check();
      return true;
    }
  }

  /** QEMU refuses it while there is a bitmap that is inconsistent. */
  private static boolean resize(World world, String device, Volume volume, long bytes) {
    if (volume.chain().size() > 1
        || !world.isQuiet()
        || world.bitmaps(device).stream().anyMatch(QemuBitmap::inconsistent)) {
      return false;
    }
    world.machine().monitor().run("block_resize", "node-name", world.node(device), "size", bytes);
    volume.resize(bytes);
    return true;
  }
}
