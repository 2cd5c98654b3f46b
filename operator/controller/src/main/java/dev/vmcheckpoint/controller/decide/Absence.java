package dev.vmcheckpoint.controller.decide;

import dev.vmcheckpoint.node.MachineObservation;

/** Whether a bitmap that is not seen is not there. */
final class Absence {
  private Absence() {}

  /** Before QEMU 10.0 the target of a migration loads its bitmaps when it starts to run. */
  static boolean counts(MachineObservation machine) {
    return machine.runState().equals("running") || majorVersion(machine) >= 10;
  }

  private static int majorVersion(MachineObservation machine) {
    String version = machine.qemuVersion();
    int dot = version.indexOf('.');
    String major = dot < 0 ? version : version.substring(0, dot);
    return major.matches("\\d{1,4}") ? Integer.parseInt(major) : 0;
  }
}
