package dev.vmcheckpoint.controller.act;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class AttemptsTest {
  private static final Duration TURN = Duration.ofSeconds(60);

  private Instant now = Instant.parse("2026-05-04T12:00:00Z");
  private final InstantSource source = () -> now;
  private final Clock clock = source.withZone(ZoneOffset.UTC);
  private final Attempts attempts = new Attempts(clock, new BackOff(new Random(7)));

  @Test
  void theFirstAttemptNeedNotWait() {
    assertThat(attempts.toWait("a")).isZero();
  }

  @Test
  void afterAFailureTheNextOneHasToWait() {
    Duration delay = attempts.failed("a");

    assertThat(attempts.toWait("a")).isEqualTo(delay).isPositive();
    assertThat(attempts.toWait("b")).isZero();
  }

  @Test
  void eachFailureMakesItWaitLonger() {
    Duration first = attempts.failed("a");
    now = now.plus(first);

    assertThat(attempts.toWait("a")).isZero();
    assertThat(attempts.failed("a")).isGreaterThan(first);
  }

  @Test
  void aCreationThatWasSentIsRememberedThroughFailures() {
    attempts.sendingCreation("a");
    attempts.failed("a");

    assertThat(attempts.creationWasSent("a")).isTrue();
    assertThat(attempts.creationWasSent("b")).isFalse();
  }

  @Test
  void anUnansweredCreationMayBeginUntilOneThatWasAnsweredTellsThatItWasRead() {
    attempts.sendingCreation("a");
    attempts.creationUnanswered("a");
    now = now.plus(TURN.multipliedBy(100));
    assertThat(attempts.creationMayBegin("a")).isTrue();

    attempts.creationAnswered("a", TURN);

    now = now.plus(TURN).minusMillis(1);
    assertThat(attempts.creationMayBegin("a")).isTrue();
    now = now.plusMillis(1);
    assertThat(attempts.creationMayBegin("a")).isFalse();
  }

  @Test
  void anAnsweredCreationHasEnded() {
    attempts.sendingCreation("a");
    attempts.creationAnswered("a", TURN);

    assertThat(attempts.creationMayBegin("a")).isFalse();
    assertThat(attempts.creationWasSent("a")).isTrue();
  }

  @Test
  void aSuccessEndsTheWaitButNotTheMemoryOfAnUnansweredCreation() {
    attempts.sendingCreation("a");
    attempts.creationUnanswered("a");
    attempts.failed("a");

    attempts.succeeded("a");

    assertThat(attempts.toWait("a")).isZero();
    assertThat(attempts.creationMayBegin("a")).isTrue();
  }

  @Test
  void aSuccessWithoutOneLeavesNothingToRemember() {
    attempts.sendingCreation("a");
    attempts.failed("a");

    attempts.succeeded("a");

    assertThat(attempts.toWait("a")).isZero();
    assertThat(attempts.creationWasSent("a")).isFalse();
  }

  @Test
  void whatIsForgottenBeginsAnew() {
    attempts.sendingCreation("a");
    attempts.failed("a");

    attempts.forget("a");

    assertThat(attempts.toWait("a")).isZero();
    assertThat(attempts.creationWasSent("a")).isFalse();
  }
}
