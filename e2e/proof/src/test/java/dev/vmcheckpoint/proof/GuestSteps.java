package dev.vmcheckpoint.proof;

/** What the guest does to its disks. It costs a checkpoint nothing. */
final class GuestSteps {
  private GuestSteps() {}

  /** How a guest changes a part of a disk. */
  enum Change {
    WRITE,
    ZERO,
    DISCARD
  }

  /**
   * A change that stays in QEMU's caches.
   *
   * @param offset in bytes, taken modulo the disk's size
   * @param pattern the byte that is written
   */
  record Write(Change change, int device, long offset, long length, int pattern) implements Step {
    @Override
    public boolean take(World world) {
      if (!world.machine().isRunning() || world.device(device).isEmpty()) {
        return false;
      }
      String name = world.device(device).get();
      Volume volume = world.volume(name);
      long start = offset % volume.sizeBytes();
      long bytes = Math.min(length, volume.sizeBytes() - start);
      world.guest(
          name,
          switch (change) {
            case WRITE -> "write -P %d %d %d".formatted(pattern, start, bytes);
            case ZERO -> "write -z %d %d".formatted(start, bytes);
            case DISCARD -> "discard %d %d".formatted(start, bytes);
          });
      volume.bitmaps().write(start, bytes);
      return true;
    }
  }

  /** The guest waits until what it wrote is on the medium. */
  record Flush(int device) implements Step {
    @Override
    public boolean take(World world) {
      if (!world.machine().isRunning() || world.device(device).isEmpty()) {
        return false;
      }
      world.guest(world.device(device).get(), "flush");
      return true;
    }
  }
}
