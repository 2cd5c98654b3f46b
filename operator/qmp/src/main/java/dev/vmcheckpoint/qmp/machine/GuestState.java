package dev.vmcheckpoint.qmp.machine;

import dev.vmcheckpoint.qmp.QemuVersion;
import java.util.Set;

/**
 * Whether a QEMU process runs its guest.
 *
 * @param runState QAPI {@code RunState}, verbatim
 * @param migration QAPI {@code MigrationStatus}, verbatim; {@code none} where there is none
 * @param migrationPending whether a migration has begun and not ended
 * @param runsGuest whether this QEMU owns its disks: the run state is one in which it runs the
 *     guest, and no migration is pending. If not, what its disks show means nothing
 */
public record GuestState(
    String runState, String migration, boolean migrationPending, boolean runsGuest) {
  private static final Set<String> OWNING =
      Set.of(
          "running", "paused", "prelaunch", "suspended", "io-error", "guest-panicked", "shutdown");
  private static final Set<String> ENDED = Set.of("none", "cancelled", "completed", "failed");

  /** Judges what {@code query-status} and {@code query-migrate} answered. */
  static GuestState of(String runState, String migration, QemuVersion version) {
    boolean pending = !ENDED.contains(migration);
    return new GuestState(
        runState,
        migration,
        pending,
        OWNING.contains(runState)
            && !pending
            && !mayBeUnstartedTarget(runState, migration, version));
  }

  /**
   * Before QEMU 10.0 the target of a migration that was not started yet is paused, lists no bitmaps
   * and says nothing of its images being inactive. A machine that was migrated, ran and was paused
   * looks the same; it can be judged again when it runs.
   */
  private static boolean mayBeUnstartedTarget(
      String runState, String migration, QemuVersion version) {
    return !version.isAtLeast(10)
        && migration.equals("completed")
        && (runState.equals("paused") || runState.equals("prelaunch"));
  }
}
