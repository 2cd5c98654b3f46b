package dev.vmcheckpoint.proof;

import java.util.BitSet;
import java.util.Collection;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * The reference model: which bitmaps an image must have, and what each must list at least. It knows
 * what was done to the image, and nothing of what QEMU or the system say.
 */
final class Bitmaps {
  private final Map<String, Bitmap> byName = new TreeMap<>();

  /** Those that a killed QEMU had: they are gone, or inconsistent. */
  private final Set<String> killed = new HashSet<>();

  /** What was written, in sectors. */
  private final Extents written = new Extents();

  /** One bitmap: {@code granules} are those that were written since it was added. */
  private record Bitmap(long granularityBytes, boolean persistent, BitSet granules) {
    void mark(long offset, long length) {
      granules.set(
          Math.toIntExact(offset / granularityBytes),
          Math.toIntExact((offset + length - 1) / granularityBytes) + 1);
    }

    Bitmap copy() {
      return new Bitmap(granularityBytes, persistent, (BitSet) granules.clone());
    }
  }

  /** Somebody added a recording bitmap. */
  void add(String name, long granularityBytes, boolean persistent) {
    byName.put(name, new Bitmap(granularityBytes, persistent, new BitSet()));
  }

  void remove(String name) {
    byName.remove(name);
  }

  /**
   * The guest zeroed. A commit writes that only to where something else is, which QEMU 10.1 and
   * later find out.
   */
  void zero(long offset, long length) {
    written.remove(offset, length);
    mark(offset, length);
  }

  /** The guest wrote. */
  void write(long offset, long length) {
    written.add(offset, length);
    mark(offset, length);
  }

  /**
   * The guest discarded. Only whole clusters can change by that; not even they need to be written
   * by a commit.
   */
  void discard(long offset, long length) {
    long from = Math.ceilDiv(offset, (long) Volume.CLUSTER_BYTES) * Volume.CLUSTER_BYTES;
    long to = (offset + length) / Volume.CLUSTER_BYTES * Volume.CLUSTER_BYTES;
    if (from < to) {
      written.remove(from, to - from);
      mark(from, to - from);
    }
  }

  private void mark(long offset, long length) {
    byName.values().forEach(bitmap -> bitmap.mark(offset, length));
  }

  /** Everything that was written to another image is written to this one. */
  void writeAllOf(Bitmaps other) {
    other.written.forEach((from, to) -> write(from, to - from));
  }

  /** QEMU closed the image in order. */
  void close() {
    byName.values().removeIf(bitmap -> !bitmap.persistent());
  }

  /** QEMU was killed: new bitmaps are in no image yet, and those of the image are still in use. */
  void kill() {
    killed.addAll(names());
    byName.clear();
  }

  /** Whether it may be there, and broken. */
  boolean mayBeBroken(String name) {
    return killed.contains(name);
  }

  boolean has(String name) {
    return byName.containsKey(name);
  }

  Collection<String> names() {
    return byName.keySet();
  }

  Bitmaps copy() {
    Bitmaps copy = withNames(names());
    written.forEach((from, to) -> copy.written.add(from, to - from));
    copy.killed.addAll(killed);
    return copy;
  }

  /** What a copy of the image file holds that is made while QEMU has it open. */
  Bitmaps copyInUse() {
    Bitmaps copy = withNames(names());
    copy.killed.addAll(killed);
    copy.kill();
    return copy;
  }

  private Bitmaps withNames(Collection<String> names) {
    Bitmaps some = new Bitmaps();
    byName.forEach(
        (name, bitmap) -> {
          if (names.contains(name)) {
            some.byName.put(name, bitmap.copy());
          }
        });
    return some;
  }

  /**
   * The bitmaps of an overlay. Ours are merged as soon as they are seen there; others begin anew.
   */
  Bitmaps carried(Collection<String> names, Collection<String> others) {
    Bitmaps overlay = withNames(names);
    others.forEach(
        other ->
            overlay.byName.computeIfPresent(
                other, (_, bitmap) -> new Bitmap(bitmap.granularityBytes(), true, new BitSet())));
    return overlay;
  }

  /** The disk is smaller now. */
  void truncate(long bytes) {
    byName
        .values()
        .forEach(
            bitmap ->
                bitmap
                    .granules()
                    .clear(
                        Math.ceilDiv(Math.toIntExact(bytes), (int) bitmap.granularityBytes()),
                        Integer.MAX_VALUE));
  }

  /** The first granule that a bitmap lacks, given what it lists. */
  Optional<String> missingFrom(String name, Extents listed) {
    Bitmap bitmap = byName.get(name);
    if (bitmap == null) {
      return Optional.of("anything, as the model knows no bitmap of that name");
    }
    return bitmap.granules().stream()
        .filter(granule -> !listed.contains(granule * bitmap.granularityBytes()))
        .mapToObj(granule -> "granule %d of %d bytes".formatted(granule, bitmap.granularityBytes()))
        .findFirst();
  }
}
