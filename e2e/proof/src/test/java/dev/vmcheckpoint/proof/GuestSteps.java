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
  record Write(Change change, int device, long offset, long length, int pattern)
      implements DeviceStep {
    @Override
    public boolean take(World world, String name, Volume volume) {
      long start = offset % volume.sizeBytes();
      long bytes = Math.min(length, volume.sizeBytes() - start);
      world.guest(
          name,
          switch (change) {
            case WRITE -> "write -P %d %d %d".formatted(pattern, start, bytes);
            case ZERO -> "write -z %d %d".formatted(start, bytes);
            case DISCARD -> "discard %d %d".formatted(start, bytes);
          });
      switch (change) {
        case WRITE -> volume.bitmaps().write(start, bytes);
        case ZERO -> volume.bitmaps().zero(start, bytes);
        case DISCARD -> {
          // A backup job's filter node passes no discard on.
          if (world.isQuiet()) {
            volume.bitmaps().discard(start, bytes);
          }
        }
      }
      return true;
    }
  }

  /** The guest waits until what it wrote is on the medium. */
  record Flush(int device) implements DeviceStep {
    @Override
    public boolean take(World world, String name, Volume volume) {
      world.guest(name, "flush");
      return true;
    }
  }
}
