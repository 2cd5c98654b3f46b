package dev.vmcheckpoint.controller.schedule;

import java.util.Optional;
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
  private final Aside aside;
  private final ConcurrentHashMap<Object, Subject> subjects = new ConcurrentHashMap<>();

  /**
   * Nobody is at work yet.
   *
   * @param atOnce from 1 on
   * @param aside how it is waited for a turn
   */
  public Turns(int atOnce, Aside aside) {
    this.atOnce = atOnce;
    this.aside = aside;
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
      Semaphore place = aside.aside(() -> placeOf(entered, subject));
      try {
        return work.get();
      } finally {
        place.release();
      }
    } finally {
      leave(subject);
    }
  }

  /**
   * Works if there is a place at once.
   *
   * @return what the work did; empty where there was no place, and nothing was done
   */
  public <T> Optional<T> tryTake(Object subject, Supplier<T> work) {
    Subject entered = enter(subject);
    try {
      if (!entered.places.tryAcquire()) {
        return Optional.empty();
      }
      try {
        return Optional.of(work.get());
      } finally {
        entered.places.release();
      }
    } finally {
      leave(subject);
    }
  }

  private static Semaphore placeOf(Subject entered, Object subject) {
    try {
      entered.places.acquire();
      return entered.places;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while waiting for a turn on " + subject, e);
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
