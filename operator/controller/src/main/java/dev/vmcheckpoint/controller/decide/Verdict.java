package dev.vmcheckpoint.controller.decide;

import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Disk;
import java.util.List;

/** What a look says about one disk of an established checkpoint. */
sealed interface Verdict {

  /** It is judged. */
  record Judged(Disk disk) implements Verdict {}

  /**
   * Everything that can be seen is as it should be, but the image came into an opening, or onto a
   * backing chain, that is not on record: the sidecar has to carry the disk over before it counts.
   *
   * @param recorded the disk as it is on record
   * @param epoch id of the opening on record
   * @param merge names of bitmaps that an overlay carried along
   * @param flush whether a job moved data into the active image, which has to be flushed
   */
  record Renew(Disk recorded, String epoch, List<String> merge, boolean flush) implements Verdict {
    public Renew {
      merge = List.copyOf(merge);
    }
  }
}
