package dev.vmcheckpoint.controller.act;

import io.javaoperatorsdk.operator.processing.retry.Retry;
import io.javaoperatorsdk.operator.processing.retry.RetryExecution;
import java.time.Duration;
import java.util.Optional;
import java.util.random.RandomGenerator;

/**
 * Delays that double from 1 s to 30 s and then stay, without an end, each up to a fifth shorter or
 * longer, so that what failed together is not retried together.
 */
public final class BackOff implements Retry {
  private static final long FIRST_MILLIS = 1_000;
  private static final long LAST_MILLIS = 30_000;
  private static final double JITTER = 0.2;

  private final RandomGenerator random;

  /**
   * Delays.
   *
   * @param random safe for use by several threads
   */
  public BackOff(RandomGenerator random) {
    this.random = random;
  }

  /**
   * The delay before the next attempt.
   *
   * @param earlierFailures how many attempts had failed before the last one
   */
  public Duration delay(int earlierFailures) {
    long millis = Math.min(LAST_MILLIS, FIRST_MILLIS << Math.min(earlierFailures, 10));
    return Duration.ofMillis((long) (millis * random.nextDouble(1 - JITTER, 1 + JITTER)));
  }

  @Override
  public RetryExecution initExecution() {
    return new Execution();
  }

  private final class Execution implements RetryExecution {
    private int failures;

    @Override
    public Optional<Long> nextDelay() {
      return Optional.of(delay(failures++).toMillis());
    }

    @Override
    public int getAttemptCount() {
      return failures;
    }

    @Override
    public boolean isLastAttempt() {
      return false;
    }
  }
}
