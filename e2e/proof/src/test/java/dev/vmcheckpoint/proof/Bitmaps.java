package dev.vmcheckpoint.proof;

import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The reference model: which bitmaps a disk must have, and what each must list at least. It knows
 * what was done to the disk, and nothing of what QEMU or the system say.
 */
final class Bitmaps {
  private final Map<String, Bitmap> byName = new HashMap<>();

  /** One bitmap: {@code granules} are those that were written since it was added. */
  private record Bitmap(long granularityBytes, boolean persistent, BitSet granules) {
    void mark(long offset, long length) {
      granules.set(
          Math.toIntExact(offset / granularityBytes),
          Math.toIntExact((offset + length - 1) / granularityBytes) + 1);
    }
  }

  /** Somebody added a recording bitmap. */
  void add(String name, long granularityBytes, boolean persistent) {
    byName.put(name, new Bitmap(granularityBytes, persistent, new BitSet()));
  }

  void remove(String name) {
    byName.remove(name);
  }

  /** The guest wrote, zeroed or discarded. */
  void write(long offset, long length) {
    byName.values().forEach(bitmap -> bitmap.mark(offset, length));
  }

  /** QEMU closed the image in order. */
  void close() {
    byName.values().removeIf(bitmap -> !bitmap.persistent());
  }

  /** QEMU was killed: new bitmaps are in no image yet, and those of the image are still in use. */
  void kill() {
    byName.clear();
  }

  boolean has(String name) {
    return byName.containsKey(name);
  }

  /** The first granule that a bitmap lacks, given what it lists. */
  Optional<String> missingFrom(String name, Extents listed) {
    Bitmap bitmap = byName.get(name);
    if (bitmap == null) {
      return Optional.of("the model knows no bitmap " + name);
    }
    return bitmap.granules().stream()
        .filter(granule -> !listed.contains(granule * bitmap.granularityBytes()))
        .mapToObj(granule -> "granule %d of %d bytes".formatted(granule, bitmap.granularityBytes()))
        .findFirst();
  }
}
