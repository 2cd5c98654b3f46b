package dev.vmcheckpoint.controller.leftovers;

import dev.vmcheckpoint.controller.decide.Leftover;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * When the machines of leftovers were seen. A sidecar that answered a look has read every call that
 * was sent to it before; how long such a call may still begin is known. Safe for use by several
 * threads.
 */
final class Sightings {
  private final Duration mayBeginFor;
  private final Map<String, Instant> first = new ConcurrentHashMap<>();

  /**
   * @param mayBeginFor how long a call may wait for its turn
   */
  Sightings(Duration mayBeginFor) {
    this.mayBeginFor = mayBeginFor;
  }

  /** A leftover's machine was seen. */
  void seen(Leftover leftover, Instant at) {
    first.putIfAbsent(leftover.checkpoint(), at);
  }

  /** Whether bitmaps may still come that a look did not show. */
  boolean mayGrow(Leftover leftover, Instant lookBegan) {
    Instant since = first.get(leftover.checkpoint());
    return leftover.mayGrow() && (since == null || lookBegan.isBefore(since.plus(mayBeginFor)));
  }

  /** The leftover is of no interest any longer. */
  void forget(Leftover leftover) {
    first.remove(leftover.checkpoint());
  }
}
