package dev.vmcheckpoint.qmp.machine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.qmp.QemuVersion;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class GuestStateTest {
  private static final QemuVersion V7 = new QemuVersion(7, 2, 22);
  private static final QemuVersion V10 = new QemuVersion(10, 0, 0);

  @ParameterizedTest
  @ValueSource(
      strings = {
        "running",
        "paused",
        "prelaunch",
        "suspended",
        "io-error",
        "guest-panicked",
        "shutdown"
      })
  void theGuestIsRunHere(String runState) {
    assertThat(GuestState.of(runState, "none", V7).runsGuest()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "inmigrate",
        "postmigrate",
        "finish-migrate",
        "save-vm",
        "restore-vm",
        "colo",
        "internal-error",
        "watchdog",
        "a-state-to-come"
      })
  void theGuestIsNotRunHere(String runState) {
    assertThat(GuestState.of(runState, "none", V7).runsGuest()).isFalse();
  }

  @ParameterizedTest
  @ValueSource(strings = {"none", "completed", "failed", "cancelled"})
  void aMigrationThatEndedIsNotPending(String migration) {
    GuestState state = GuestState.of("running", migration, V7);

    assertThat(state.migrationPending()).isFalse();
    assertThat(state.runsGuest()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "setup",
        "cancelling",
        "active",
        "device",
        "pre-switchover",
        "wait-unplug",
        "colo",
        "postcopy-active",
        "postcopy-paused",
        "postcopy-recover",
        "a-status-to-come"
      })
  void aMigrationThatHasNotEndedIsPending(String migration) {
    GuestState state = GuestState.of("running", migration, V7);

    assertThat(state.migrationPending()).isTrue();
    assertThat(state.runsGuest()).isFalse();
  }

  @ParameterizedTest
  @CsvSource({"paused", "prelaunch"})
  void before10ATargetThatWasNotStartedLooksPaused(String runState) {
    assertThat(GuestState.of(runState, "completed", V7).runsGuest()).isFalse();
    assertThat(GuestState.of(runState, "completed", V10).runsGuest()).isTrue();
  }
}
