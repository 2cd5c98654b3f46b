package dev.vmcheckpoint.sidecar.http;

import dev.vmcheckpoint.node.ErrorCode;
import dev.vmcheckpoint.node.NodeApiException;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/** Bounds the calls in progress, and lets none begin once the sidecar stops. Thread-safe. */
public final class Admission {
  private final int limit;
  private final Semaphore places;
  private volatile boolean stopping;

  public Admission(int limit) {
    this.limit = limit;
    this.places = new Semaphore(limit, true);
  }

  /** A call in progress; closing it ends it. */
  interface Admitted extends AutoCloseable {
    @Override
    void close();
  }

  Admitted admit() {
    boolean admitted = places.tryAcquire();
    if (stopping) {
      if (admitted) {
        places.release();
      }
      throw new NodeApiException.Answered(
          ErrorCode.Stopping, "call again when the node's next sidecar is ready");
    }
    if (!admitted) {
      throw new NodeApiException.Answered(
          ErrorCode.TooManyRequests, "%d calls are in progress already".formatted(limit));
    }
    return places::release;
  }

  /** Whether calls may begin. */
  public boolean isOpen() {
    return !stopping;
  }

  /** The number of calls in progress. */
  public int inProgress() {
    return limit - places.availablePermits();
  }

  /**
   * Lets no call begin any more and waits until those in progress have ended.
   *
   * @return whether they ended in time
   */
  public boolean stop(Duration wait) {
    stopping = true;
    try {
      return places.tryAcquire(limit, wait.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
