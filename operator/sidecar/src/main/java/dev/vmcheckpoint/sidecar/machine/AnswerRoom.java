package dev.vmcheckpoint.sidecar.machine;

import dev.vmcheckpoint.node.ErrorCode;
import dev.vmcheckpoint.node.MachineReport;
import dev.vmcheckpoint.node.Problem;
import dev.vmcheckpoint.node.Wire;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.util.concurrent.Semaphore;

/**
 * The room in an answer about several machines. Each has a place for a report of usual size that no
 * other can take; for what goes beyond they share the rest. Thread-safe.
 */
final class AnswerRoom {
  /** A bitmap is about 180 bytes, in JSON. */
  private static final int USUAL_BYTES = 16 << 10;

  private static final int MAX_BYTES = 1 << 20;
  private static final int SHARED_BYTES = 4 << 20;

  private final long usualBytes;
  private final Semaphore shared = new Semaphore(SHARED_BYTES);

  /**
   * @param machines how many are asked about
   */
  AnswerRoom(int machines) {
    this.usualBytes =
        Math.min(USUAL_BYTES, (Wire.MAX_ANSWER_BYTES - 2L * SHARED_BYTES) / Math.max(machines, 1));
  }

  /** The report, or why there is none where it has no room. */
  MachineReport fit(MachineReport report) {
    long bytes = size(report);
    if (bytes <= usualBytes || (bytes <= MAX_BYTES && shared.tryAcquire((int) bytes))) {
      return report;
    }
    return new MachineReport.Failed(
        report.podUID(),
        Problem.of(
            ErrorCode.MonitorProtocol,
            "what the monitor shows takes %s bytes to report, and there is room for %d, or for %d where others need little"
                .formatted(bytes > MAX_BYTES ? "too many" : bytes, usualBytes, MAX_BYTES)));
  }

  /** What it takes; of a report that is too large only that it is, for it can be so without end. */
  private static long size(MachineReport report) {
    Counter counter = new Counter();
    try {
      Wire.write(counter, report);
      return counter.bytes;
    } catch (FullException e) {
      return counter.bytes;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static final class FullException extends IOException {
    private static final long serialVersionUID = 1L;
  }

  private static final class Counter extends OutputStream {
    private long bytes;

    @Override
    public void write(int b) throws FullException {
      count(1);
    }

    @Override
    public void write(byte[] b, int offset, int length) throws FullException {
      count(length);
    }

    private void count(int more) throws FullException {
      bytes += more;
      if (bytes > MAX_BYTES) {
        throw new FullException();
      }
    }
  }
}
