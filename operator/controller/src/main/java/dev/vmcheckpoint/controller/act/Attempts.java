package dev.vmcheckpoint.controller.act;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What this process has tried so far, by the UIDs of checkpoints: after a failure the next attempt
 * has to wait, each time longer, without an end. Safe for use by several threads.
 */
public final class Attempts {
  private static final Attempt NONE = new Attempt(0, Instant.EPOCH, false);

  private final Map<String, Attempt> attempts = new ConcurrentHashMap<>();
  private final Clock clock;
  private final BackOff backOff;

  private record Attempt(int failures, Instant notBefore, boolean creationSent) {}

  public Attempts(Clock clock, BackOff backOff) {
    this.clock = clock;
    this.backOff = backOff;
  }

  /** How long the next attempt has to wait; zero where it need not. */
  public Duration toWait(String uid) {
    Duration left = Duration.between(clock.instant(), get(uid).notBefore());
    return left.isNegative() ? Duration.ZERO : left;
  }

  /** Whether this process has asked a sidecar to make the checkpoint's bitmaps. */
  public boolean creationWasSent(String uid) {
    return get(uid).creationSent();
  }

  /** A sidecar is about to be asked to make the checkpoint's bitmaps. */
  public void sendingCreation(String uid) {
    attempts.compute(
        uid,
        (_, before) -> {
          Attempt last = before == null ? NONE : before;
          return new Attempt(last.failures(), last.notBefore(), true);
        });
  }

  /** An attempt failed; returns how long the next one has to wait. */
  public Duration failed(String uid) {
    attempts.compute(
        uid,
        (_, before) -> {
          Attempt last = before == null ? NONE : before;
          return new Attempt(
              last.failures() + 1,
              clock.instant().plus(backOff.delay(last.failures())),
              last.creationSent());
        });
    return toWait(uid);
  }

  /** Nothing of this checkpoint matters any longer. */
  public void forget(String uid) {
    attempts.remove(uid);
  }

  private Attempt get(String uid) {
    return attempts.getOrDefault(uid, NONE);
  }
}
