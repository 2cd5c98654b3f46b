package dev.vmcheckpoint.sidecar.machine;

import static dev.vmcheckpoint.sidecar.fixture.Failures.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import dev.vmcheckpoint.node.ErrorCode;
import dev.vmcheckpoint.node.MutationContext;
import org.junit.jupiter.api.Test;

/** Who may change something. */
final class MutationGuardTest {
  private final MutationGuard guard = new MutationGuard("this-process");

  private void call(String startId, long term) {
    guard.requireCurrent(new MutationContext(startId, term, 1000));
  }

  @Test
  void theLeaderThatSawThisProcessMay() {
    assertThatCode(() -> call("this-process", 3)).doesNotThrowAnyException();
    assertThatCode(() -> call("this-process", 3)).doesNotThrowAnyException();
  }

  @Test
  void whoSawAnEarlierProcessHasToLookAgain() {
    assertThat(assertRefused(ErrorCode.StaleStartId, () -> call("earlier-process", 3)).detail())
        .isEqualTo("this sidecar's start id is this-process: observe, then call again");
  }

  @Test
  void anEarlierLeaderMayNot() {
    call("this-process", 4);

    assertThat(assertRefused(ErrorCode.StaleLeaderTerm, () -> call("this-process", 3)).detail())
        .isEqualTo("the leader of term 3 calls, but term 4 has called already");
  }

  @Test
  void aLeaderThatHasYetToLookAgainCountsAsWell() {
    assertRefused(ErrorCode.StaleStartId, () -> call("earlier-process", 4));

    assertRefused(ErrorCode.StaleLeaderTerm, () -> call("this-process", 3));
  }
}
