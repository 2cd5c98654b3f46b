package dev.vmcheckpoint.sidecar.machine;

import dev.vmcheckpoint.node.ErrorCode;
import dev.vmcheckpoint.node.NodeApiException;
import dev.vmcheckpoint.node.PodUid;
import dev.vmcheckpoint.qmp.Deadline;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * One call at a time on each machine, in the order in which they came, and none that waits for
 * another machine's. Holds nothing of machines that no call is about. Thread-safe.
 */
final class MachineLocks {
  private final ConcurrentHashMap<PodUid, Line> lines = new ConcurrentHashMap<>();

  /** Those that hold or wait for one machine; {@code length} changes under the map's lock. */
  private static final class Line {
    private final ReentrantLock lock = new ReentrantLock(true);
    private int length;
  }

  /** The right to talk to a machine; closing it, on the same thread, gives it back. */
  interface Held extends AutoCloseable {
    @Override
    void close();
  }

  /**
   * Waits for the machine.
   *
   * @throws NodeApiException.Answered where it does not come free before the deadline
   */
  Held acquire(PodUid machine, Deadline deadline) {
    Line line = join(machine);
    if (!lockedInTime(line.lock, deadline)) {
      leave(machine);
      throw new NodeApiException.Answered(
          ErrorCode.DeadlineExceeded,
          "another call on machine %s did not end before the deadline".formatted(machine));
    }
    return () -> {
      line.lock.unlock();
      leave(machine);
    };
  }

  /** The number of machines that calls are about at the moment. */
  int inUse() {
    return lines.size();
  }

  private Line join(PodUid machine) {
    return lines.compute(
        machine,
        (_, known) -> {
          Line line = known == null ? new Line() : known;
          line.length++;
          return line;
        });
  }

  private void leave(PodUid machine) {
    lines.computeIfPresent(machine, (_, line) -> --line.length == 0 ? null : line);
  }

  private static boolean lockedInTime(ReentrantLock lock, Deadline deadline) {
    try {
      return lock.tryLock(deadline.remaining().toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
