package dev.vmcheckpoint.controller.decide;

import dev.vmcheckpoint.api.Reason;

/** Whether what holds a checkpoint up may pass by itself. */
final class Outlook {
  private Outlook() {}

  /** Whether only a change from outside can help. */
  static boolean needsHelp(Reason reason) {
    return switch (reason) {
      case VirtualMachineNotFound,
          AmbiguousVirtualMachine,
          NoMonitorVolume,
          MonitorPermissionDenied,
          DiskNotFound,
          DiskIneligible,
          NoEligibleDisk,
          TooManyDisks,
          TooManyCheckpoints,
          Refused ->
          true;
      default -> false;
    };
  }
}
