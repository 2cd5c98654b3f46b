package dev.vmcheckpoint.qmp.flush;

import dev.vmcheckpoint.qmp.Command;
import dev.vmcheckpoint.qmp.Deadline;
import dev.vmcheckpoint.qmp.Qmp;
import dev.vmcheckpoint.qmp.QmpException;
import dev.vmcheckpoint.qmp.Session;
import dev.vmcheckpoint.qmp.Timeouts;

/**
 * Flushes by NBD where that is safe, otherwise through the human monitor. Used by one thread at a
 * time.
 */
public final class NodeFlusher implements Flusher {
  private final Qmp qmp;
  private final MonitorVolume volume;
  private final Timeouts timeouts;

  public NodeFlusher(Qmp qmp, MonitorVolume volume, Timeouts timeouts) {
    this.qmp = qmp;
    this.volume = volume;
    this.timeouts = timeouts;
  }

  @Override
  public void flush(String node, Deadline deadline) {
    Session session = new Session(qmp, timeouts, deadline);
    try {
      NbdFlusher nbd = new NbdFlusher(volume, session);
      nbd.removeExportsLeftFor(node);
      if (!nbdIsSafe(session) || !nbd.flush(node)) {
        HumanMonitorFlusher.flush(node, session);
      }
    } catch (QmpException.TimedOut | QmpException.DeadlinePassed e) {
      throw new FlushException(
          "there was no time left to flush node %s: %s".formatted(node, e.getMessage()), e);
    }
  }

  /** QEMU before 10.0 can die when an NBD client of a disk in an I/O thread disconnects. */
  private static boolean nbdIsSafe(Session session) {
    return session.qmp().version().isAtLeast(10)
        || session.run(Command.QUERY_IOTHREADS).items().isEmpty();
  }
}
