package dev.vmcheckpoint.node;

import java.util.List;

/**
 * Answer to {@link EpochRequest}, taken from a query after the last change.
 *
 * @param disks the disks asked for, in that order; each has both markers of its present opening
 */
public record EpochResponse(List<DiskObservation> disks) {
  public EpochResponse {
    disks = List.copyOf(disks);
  }
}
