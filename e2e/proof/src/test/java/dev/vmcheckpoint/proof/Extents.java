package dev.vmcheckpoint.proof;

import java.util.BitSet;

/** Parts of a disk, in sectors of 512 bytes, the finest granularity that a bitmap has. */
final class Extents {
  private static final int SECTOR_BYTES = 512;

  private final BitSet sectors = new BitSet();

  void add(long offset, long length) {
    sectors.set(
        Math.toIntExact(offset / SECTOR_BYTES),
        Math.toIntExact((offset + length + SECTOR_BYTES - 1) / SECTOR_BYTES));
  }

  void remove(long offset, long length) {
    sectors.clear(
        Math.toIntExact(offset / SECTOR_BYTES),
        Math.toIntExact((offset + length + SECTOR_BYTES - 1) / SECTOR_BYTES));
  }

  boolean contains(long offset) {
    return sectors.get(Math.toIntExact(offset / SECTOR_BYTES));
  }

  /** Where a part begins and where the first byte after it is. */
  interface Part {
    void accept(int from, int to);
  }

  void forEach(Part action) {
    for (int from = sectors.nextSetBit(0); from >= 0; ) {
      int to = sectors.nextClearBit(from);
      action.accept(from * SECTOR_BYTES, to * SECTOR_BYTES);
      from = sectors.nextSetBit(to);
    }
  }
}
