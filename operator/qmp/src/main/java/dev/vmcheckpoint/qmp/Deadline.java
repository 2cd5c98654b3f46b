package dev.vmcheckpoint.qmp;

import java.time.Duration;

/** A moment after which nothing new is started. */
public final class Deadline {
  private final long nanoTime;

  private Deadline(long nanoTime) {
    this.nanoTime = nanoTime;
  }

  /** The deadline that passes when the given time, at most 292 years, has gone by. */
  public static Deadline after(Duration time) {
    return new Deadline(System.nanoTime() + time.toNanos());
  }

  /** The time that is left; zero or negative when the deadline has passed. */
  public Duration remaining() {
    return Duration.ofNanos(nanoTime - System.nanoTime());
  }

  /** Whether no time is left. */
  public boolean passed() {
    return !remaining().isPositive();
  }

  /** The time that is left, but no more than the given one. */
  public Duration remainingUpTo(Duration limit) {
    Duration remaining = remaining();
    return remaining.compareTo(limit) < 0 ? remaining : limit;
  }
}
