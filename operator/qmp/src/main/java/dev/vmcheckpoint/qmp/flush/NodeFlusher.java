package dev.vmcheckpoint.qmp.flush;

import dev.vmcheckpoint.qmp.Deadline;
import dev.vmcheckpoint.qmp.Qmp;
import dev.vmcheckpoint.qmp.Timeouts;

/** Flushes by NBD where that is safe, otherwise through the human monitor. */
public final class NodeFlusher implements Flusher {
  public NodeFlusher(Qmp qmp, MonitorVolume volume, Timeouts timeouts) {}

  @Override
  public void flush(String node, Deadline deadline) {
    if (!deadline.passed()) {
      throw new UnsupportedOperationException();
    }
    throw new UnsupportedOperationException();
  }
}
