package dev.vmcheckpoint.node;

import java.util.List;

/**
 * Answer to {@code DELETE /v1/machines/{podUID}/checkpoints/{checkpointUID}}. Nothing to remove is
 * success.
 *
 * @param removed what was removed from active, writable layers
 * @param below what was seen in lower layers, which are never reopened for writing
 */
public record RemoveResponse(List<Removed> removed, List<Below> below) {
  public RemoveResponse {
    removed = List.copyOf(removed);
    below = List.copyOf(below);
  }

  /** A bitmap that is gone now. */
  public record Removed(String disk, String bitmap) {}

  /**
   * A bitmap that stays in a lower layer, in the image named {@code file}, until that is active.
   */
  public record Below(String disk, String file, String bitmap) {}
}
