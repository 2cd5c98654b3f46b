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
  private static final Attempt NONE = new Attempt(0, Instant.EPOCH, false, Instant.EPOCH);

  private final Map<String, Attempt> attempts = new ConcurrentHashMap<>();
  private final Clock clock;
  private final BackOff backOff;

  /**
   * @param creationMayBeginUntil when an unanswered creation will have begun, or never will
   */
  private record Attempt(
      int failures, Instant notBefore, boolean creationSent, Instant creationMayBeginUntil) {}

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
          return new Attempt(last.failures(), last.notBefore(), true, last.creationMayBeginUntil());
        });
  }

  /**
   * A creation was sent and not answered. The sidecar may have it waiting, or not even have read
   * it, so only a later answer tells how long it may still begin.
   */
  public void creationUnanswered(String uid) {
    attempts.compute(
        uid,
        (_, before) -> {
          Attempt last = before == null ? NONE : before;
          return new Attempt(last.failures(), last.notBefore(), true, Instant.MAX);
        });
  }

  /**
   * A creation was answered. One that was sent before it without an answer was read by now.
   *
   * @param mayBeginFor how long a call may wait for its turn
   */
  public void creationAnswered(String uid, Duration mayBeginFor) {
    attempts.computeIfPresent(
        uid,
        (_, last) ->
            last.creationMayBeginUntil().equals(Instant.MAX)
                ? new Attempt(
                    last.failures(),
                    last.notBefore(),
                    last.creationSent(),
                    clock.instant().plus(mayBeginFor))
                : last);
  }

  /** Whether a creation that this process sent may still begin. */
  public boolean creationMayBegin(String uid) {
    return clock.instant().isBefore(get(uid).creationMayBeginUntil());
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
              last.creationSent(),
              last.creationMayBeginUntil());
        });
    return toWait(uid);
  }

  /** Nothing of this checkpoint matters any longer. */
  public void forget(String uid) {
    attempts.remove(uid);
  }

  /** An attempt went well: the next one need not wait. */
  public void succeeded(String uid) {
    attempts.computeIfPresent(
        uid,
        (_, last) ->
            clock.instant().isBefore(last.creationMayBeginUntil())
                ? new Attempt(0, Instant.EPOCH, true, last.creationMayBeginUntil())
                : null);
  }

  private Attempt get(String uid) {
    return attempts.getOrDefault(uid, NONE);
  }
}
