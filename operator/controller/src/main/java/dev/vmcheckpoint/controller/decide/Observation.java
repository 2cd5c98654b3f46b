package dev.vmcheckpoint.controller.decide;

import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.VirtualMachine;
import dev.vmcheckpoint.node.MachineObservation;
import java.util.Optional;

/** What is known of a virtual machine now. */
public sealed interface Observation {

  /** Where the machine is; empty where that is not known. */
  Optional<VirtualMachine> place();

  /**
   * One QEMU runs the guest, and answered.
   *
   * @param at where it is
   * @param node the node it is on
   * @param startId start id of the sidecar that looked
   * @param machine what QEMU showed
   */
  record Seen(VirtualMachine at, String node, String startId, MachineObservation machine)
      implements Observation {
    @Override
    public Optional<VirtualMachine> place() {
      return Optional.of(at);
    }
  }

  /**
   * No QEMU that runs the guest could be looked at. This says nothing about bitmaps.
   *
   * @param gone whether there is no pod in which the machine could still run
   */
  record Unseen(Reason reason, String message, Optional<VirtualMachine> place, boolean gone)
      implements Observation {}
}
