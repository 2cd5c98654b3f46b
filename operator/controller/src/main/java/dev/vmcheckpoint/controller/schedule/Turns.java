package dev.vmcheckpoint.controller.schedule;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.function.Supplier;

/**
 * How many may be at work on one subject at once; the others wait, first come, first served. So
 * what each of them has in memory is there a few times, and not once for everybody who waits. Safe
 * for use by several threads, which should be virtual.
 */
public final class Turns {
  private final int atOnce;
  private final ConcurrentHashMap<Object, Subject> subjects = new ConcurrentHashMap<>();

  /**
   * Nobody is at work yet.
   *
   * @param atOnce from 1 on
   */
  public Turns(int atOnce) {
    this.atOnce = atOnce;
  }

  private static final class Subject {
    private final Semaphore places;
    private int users;

    Subject(int atOnce) {
      places = new Semaphore(atOnce, true);
    }
  }

  /**
   * Works as soon as there is a place.
   *
   * @param subject compared by {@code equals}; forgotten when nobody is left
   * @throws IllegalStateException if the thread was interrupted while it waited: nothing was done
   */
  public <T> T take(Object subject, Supplier<T> work) {
    Subject entered = enter(subject);
    try {
      entered.places.acquire();
      try {
        return work.get();
      } finally {
        entered.places.release();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while waiting for a turn on " + subject, e);
    } finally {
      leave(subject);
    }
  }

  private Subject enter(Object subject) {
    return subjects.compute(
        subject,
        (_, present) -> {
          Subject entered = present == null ? new Subject(atOnce) : present;
          entered.users++;
          return entered;
        });
  }

  private void leave(Object subject) {
    subjects.computeIfPresent(subject, (_, left) -> --left.users == 0 ? null : left);
  }

  /** Of how many subjects it knows. */
  int size() {
    return subjects.size();
  }
}
