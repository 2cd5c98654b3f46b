package dev.vmcheckpoint.controller;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The process's ways to end. */
final class Shutdown {
  private static final Logger LOG = LoggerFactory.getLogger(Shutdown.class);
  private static final Duration STOP_WITHIN = Duration.ofSeconds(20);

  private final CountDownLatch stopped = new CountDownLatch(1);

  private Shutdown() {}

  /**
   * Stops in order when a signal comes. What is being stopped may itself wait for the exit that has
   * begun, so nothing waits for it longer than a bounded time.
   */
  static Shutdown onSignal(Runnable stop) {
    Shutdown shutdown = new Shutdown();
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  shutdown.stop(stop);
                  shutdown.stopped.countDown();
                },
                "stop"));
    return shutdown;
  }

  private void stop(Runnable stop) {
    Thread stopping = Thread.ofPlatform().daemon().name("stopping").start(() -> run(stop));
    try {
      if (!stopping.join(STOP_WITHIN)) {
        LOG.warn("Not everything stopped within {}", STOP_WITHIN);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void run(Runnable stop) {
    try {
      stop.run();
    } catch (RuntimeException e) {
      LOG.warn("While stopping", e);
    }
  }

  /** Waits until everything is stopped. */
  void await() throws InterruptedException {
    stopped.await();
  }

  /**
   * Ends at once: another leader acts from now on, and an orderly stop would let what is under way
   * go on beside it.
   */
  static void nowBecauseLeadershipIsLost() {
    LOG.error("Leadership is lost; the process ends");
    Runtime.getRuntime().halt(1);
  }
}
