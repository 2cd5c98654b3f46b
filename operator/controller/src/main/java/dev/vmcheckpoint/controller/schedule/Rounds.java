package dev.vmcheckpoint.controller.schedule;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Rounds at a fixed interval, each of which begins tasks. Tasks do not wait for each other, and one
 * that has not ended yet is not begun again. Whatever fails is logged, and the next round comes.
 * Safe for use by several threads.
 */
public final class Rounds implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Rounds.class);

  private final String name;
  private final Duration interval;
  private final Runnable round;
  private final Set<Object> underWay = ConcurrentHashMap.newKeySet();
  private final ScheduledExecutorService clock;
  private final ExecutorService tasks = Executors.newVirtualThreadPerTaskExecutor();

  /**
   * Rounds that have not started.
   *
   * @param name what they are for, in the log
   * @param interval time between the end of a round and the next
   * @param round what a round does; calls {@link #begin}
   */
  public Rounds(String name, Duration interval, Runnable round) {
    this.name = name;
    this.interval = interval;
    this.round = round;
    this.clock =
        Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().name(name).daemon().factory());
  }

  /** The first round comes after one interval. */
  public void start() {
    ScheduledFuture<?> _ =
        clock.scheduleWithFixedDelay(
            this::next, interval.toMillis(), interval.toMillis(), TimeUnit.MILLISECONDS);
  }

  private void next() {
    try {
      round.run();
    } catch (RuntimeException e) {
      LOG.warn("A round of the {} failed; the next one comes", name, e);
    }
  }

  /**
   * Begins a task on a thread of its own, unless an earlier one about the same has not ended.
   *
   * @param about with {@code equals} and {@code toString}
   */
  public void begin(Object about, Runnable task) {
    if (underWay.add(about)) {
      tasks.execute(
          () -> {
            try {
              task.run();
            } catch (RuntimeException e) {
              LOG.warn("The {} of {} failed; the next one comes", name, about, e);
            } finally {
              underWay.remove(about);
            }
          });
    }
  }

  /** No round begins any more, and what is under way is interrupted. */
  @Override
  public void close() {
    clock.shutdownNow();
    tasks.shutdownNow();
  }
}
