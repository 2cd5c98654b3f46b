package dev.vmcheckpoint.proof;

import java.util.Arrays;

/** Every byte of a disk. Immutable. */
final class Content {
  private final byte[] bytes;

  private Content(byte[] bytes) {
    this.bytes = bytes;
  }

  static Content of(byte[] bytes) {
    return new Content(bytes.clone());
  }

  int size() {
    return bytes.length;
  }

  /** What a restore makes of this base copy: the listed parts as they are now. */
  Content restored(Extents listed, Content now) {
    byte[] restored = Arrays.copyOf(bytes, now.size());
    listed.forEach(
        (from, to) -> {
          if (from < now.size()) {
            System.arraycopy(now.bytes, from, restored, from, Math.min(to, now.size()) - from);
          }
        });
    return new Content(restored);
  }

  /** What a copy is whose second half was read later, when the disk was another one perhaps. */
  Content withSecondHalfOf(Content later) {
    byte[] copy = bytes.clone();
    int half = copy.length / 2;
    System.arraycopy(later.bytes, half, copy, half, copy.length - half);
    return new Content(copy);
  }

  /** Offset of the first byte that differs; negative where none does. */
  int mismatch(Content other) {
    return Arrays.mismatch(bytes, other.bytes);
  }
}
