package dev.vmcheckpoint.qmp.flush;

import dev.vmcheckpoint.qmp.Deadline;

/** Brings what QEMU's caches hold for a node to the node's image and on to its medium. */
public interface Flusher {
  /**
   * Flushes a format node.
   *
   * @param node its node name
   * @throws FlushException where the flush did not end well in time, or was not begun because an
   *     earlier one of that node has not ended
   */
  void flush(String node, Deadline deadline);
}
