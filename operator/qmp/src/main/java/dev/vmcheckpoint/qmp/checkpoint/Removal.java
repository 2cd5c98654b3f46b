package dev.vmcheckpoint.qmp.checkpoint;

import java.util.List;

/**
 * What a removal did. Nothing to remove is success.
 *
 * @param removed what is gone now from active, writable layers
 * @param below what was seen in layers that are not written to
 */
public record Removal(List<Removed> removed, List<Below> below) {
  public Removal {
    removed = List.copyOf(removed);
    below = List.copyOf(below);
  }

  /** A bitmap that is gone now. */
  public record Removed(String disk, String bitmap) {}

  /** A bitmap that stays in the image named {@code file}, until that is active and writable. */
  public record Below(String disk, String file, String bitmap) {}
}
