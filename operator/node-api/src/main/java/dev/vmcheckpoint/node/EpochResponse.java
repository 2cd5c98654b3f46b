package dev.vmcheckpoint.node;

import java.util.List;

/**
 * Answer to {@link EpochRequest}, taken from a query after the last change.
 *
 * @param disks the disks asked for, in that order; each has both markers of its present opening
 * @param flushed names of the disks that were flushed before: whoever asked for it must not take it
 *     as done where an answer does not say so
 */
public record EpochResponse(List<DiskObservation> disks, List<String> flushed) {
  public EpochResponse {
    disks = List.copyOf(disks);
    flushed = List.copyOf(flushed);
  }
}
