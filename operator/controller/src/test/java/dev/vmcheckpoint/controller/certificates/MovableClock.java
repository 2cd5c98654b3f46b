package dev.vmcheckpoint.controller.certificates;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;

/** The time, and what a test adds to it. */
final class MovableClock extends Clock {
  private volatile Duration added = Duration.ZERO;

  /** It is so much later from now on. */
  void move(Duration time) {
    added = added.plus(time);
  }

  @Override
  public Instant instant() {
    return Instant.now().plus(added);
  }

  @Override
  public ZoneId getZone() {
    return ZoneOffset.UTC;
  }

  @Override
  public Clock withZone(ZoneId zone) {
    return this;
  }
}
