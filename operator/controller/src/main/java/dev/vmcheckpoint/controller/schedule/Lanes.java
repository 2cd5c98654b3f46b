package dev.vmcheckpoint.controller.schedule;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;

/**
 * How many may work at once, in two lanes of equal width: whoever took long the last time takes
 * turns with others of that kind, and so holds up nobody who is quick. Nobody is held to be slow
 * before he was, so that those who suddenly take long hold up the others once. Safe for use by
 * several threads, which should be virtual.
 */
public final class Lanes {
  private final Turns turns;
  private final Duration quick;
  private final LongSupplier nanoTime;
  private final Set<Object> slow = ConcurrentHashMap.newKeySet();

  private enum Lane {
    QUICK,
    SLOW
  }

  /**
   * Nobody is at work yet.
   *
   * @param atOnce how many work at once in each lane
   * @param quick how long somebody works who is not slow
   * @param nanoTime as {@link System#nanoTime}
   */
  public Lanes(int atOnce, Duration quick, LongSupplier nanoTime) {
    this.turns = new Turns(atOnce, Aside.NONE);
    this.quick = quick;
    this.nanoTime = nanoTime;
  }

  /**
   * Works as soon as there is a place in the lane.
   *
   * @param subject what the work is about, compared by {@code equals}
   * @throws IllegalStateException if the thread was interrupted while it waited: nothing was done
   */
  public void run(Object subject, Runnable work) {
    Lane lane = slow.contains(subject) ? Lane.SLOW : Lane.QUICK;
    Lane next = turns.take(lane, () -> measured(work));
    if (next == Lane.SLOW) {
      slow.add(subject);
    } else {
      slow.remove(subject);
    }
  }

  private Lane measured(Runnable work) {
    long began = nanoTime.getAsLong();
    work.run();
    return nanoTime.getAsLong() - began > quick.toNanos() ? Lane.SLOW : Lane.QUICK;
  }
}
