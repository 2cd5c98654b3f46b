package dev.vmcheckpoint.node;

import java.util.List;

/**
 * One consistent look at a QEMU process.
 *
 * @param qemuVersion as in QEMU's greeting, for example {@code 7.2.22}
 * @param runState QAPI {@code RunState}, verbatim where it is one
 * @param runsGuest whether this QEMU owns its disks: the run state is one in which it runs the
 *     guest, and no migration is pending. If not, what its disks show means nothing
 * @param migration QAPI {@code MigrationStatus}, verbatim where it is one; {@code none} where there
 *     is none
 * @param disks every disk device, in QEMU's order
 */
public record MachineObservation(
    String qemuVersion,
    String runState,
    boolean runsGuest,
    String migration,
    List<DiskObservation> disks) {
  private static final int MAX_STATE = 64;

  public MachineObservation {
    runState = PrintableText.of(runState, MAX_STATE);
    migration = PrintableText.of(migration, MAX_STATE);
    disks = List.copyOf(disks);
  }
}
