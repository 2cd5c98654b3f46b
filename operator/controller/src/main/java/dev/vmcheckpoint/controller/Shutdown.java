package dev.vmcheckpoint.controller;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The process's ways to end. Safe for use by several threads. */
final class Shutdown {
  private static final Logger LOG = LoggerFactory.getLogger(Shutdown.class);
  private static final Duration STOP_WITHIN = Duration.ofSeconds(20);

  private final CountDownLatch end = new CountDownLatch(1);
  private volatile boolean stopping;
  private volatile int status;

  /**
   * Stops in order when a signal comes, with exit status 0. What is being stopped may itself wait
   * for the exit that has begun, so nothing waits for it longer than a bounded time.
   */
  void onSignal(Runnable stop) {
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  stopping = true;
                  stopInTime(stop);
                  // Without this, a process that a signal ends has status 143, however orderly.
                  Runtime.getRuntime().halt(status);
                },
                "stop"));
  }

  private static void stopInTime(Runnable stop) {
    Thread thread = Thread.ofPlatform().daemon().name("stopping").start(() -> run(stop));
    try {
      if (!thread.join(STOP_WITHIN)) {
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

  /** Waits for the end of the process. */
  void await() throws InterruptedException {
    end.await();
  }

  /** The process ends because something failed: its exit status is to say so. */
  void failed() {
    status = 1;
  }

  /**
   * Ends at once, with exit status 1, unless the process is being stopped anyway. An orderly stop
   * would let what is under way go on.
   *
   * @param why what made it necessary
   */
  void atOnce(String why) {
    if (!stopping) {
      LOG.error("The process ends at once: {}", why);
      Runtime.getRuntime().halt(1);
    }
  }
}
