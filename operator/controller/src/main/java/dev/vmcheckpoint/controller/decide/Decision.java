package dev.vmcheckpoint.controller.decide;

import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.SkippedDisk;
import dev.vmcheckpoint.controller.decide.Observation.Seen;
import dev.vmcheckpoint.node.EnsureRequest;
import dev.vmcheckpoint.node.EpochRequest;
import java.util.List;

/** What is to be done next for a checkpoint. */
public sealed interface Decision {

  /**
   * Nothing but to say how things are.
   *
   * @param status what to say
   */
  record Report(VirtualMachineCheckpointStatus status) implements Decision {}

  /**
   * Have the bitmaps made.
   *
   * @param request what to ask the sidecar for
   * @param skipped writable disks that are left out
   * @param seen the look that this was decided on
   */
  record Create(EnsureRequest request, List<SkippedDisk> skipped, Seen seen) implements Decision {
    public Create {
      skipped = List.copyOf(skipped);
    }
  }

  /**
   * Have disks carried over into openings of their images that are not on record.
   *
   * @param request what to ask the sidecar for
   * @param seen the look that this was decided on
   * @param others the disks of every checkpoint of the machine
   */
  record Renew(EpochRequest request, Seen seen, List<OnRecord> others) implements Decision {
    public Renew {
      others = List.copyOf(others);
    }

    /** The same for each of its disks alone. */
    public List<Renew> apart() {
      return request.disks().stream()
          .map(disk -> new Renew(new EpochRequest(List.of(disk)), seen, others))
          .toList();
    }
  }
}
