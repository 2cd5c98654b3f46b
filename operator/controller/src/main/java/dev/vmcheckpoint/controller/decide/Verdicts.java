package dev.vmcheckpoint.controller.decide;

import dev.vmcheckpoint.api.DiskState;
import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Disk;
import dev.vmcheckpoint.controller.decide.Verdict.Judged;

/** The verdicts that leave what is on record as it is. */
final class Verdicts {
  private Verdicts() {}

  static Judged unknown(Disk recorded, Reason reason, String message) {
    return new Judged(recorded.judged(DiskState.Unknown, reason, Texts.bounded(message)));
  }

  static Judged lost(Disk recorded, Reason reason, String message) {
    return new Judged(recorded.judged(DiskState.Lost, reason, Texts.bounded(message)));
  }
}
