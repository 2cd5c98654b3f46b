package dev.vmcheckpoint.controller.decide;

import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.node.MachineObservation;

/** What a look into one pod brought. */
public sealed interface Look {

  /**
   * Its QEMU answered.
   *
   * @param startId start id of the sidecar that looked
   * @param machine what QEMU showed
   */
  record Seen(String startId, MachineObservation machine) implements Look {}

  /** Its QEMU could not be looked at; this says nothing about bitmaps. */
  record Failed(Reason reason, String message) implements Look {

    /** Whether this QEMU may nevertheless run the guest: it has, or may have, a monitor. */
    boolean mayRunGuest() {
      return switch (reason) {
        case NoMonitorVolume, NoMonitorSocket, MonitorNotListening -> false;
        default -> true;
      };
    }
  }
}
