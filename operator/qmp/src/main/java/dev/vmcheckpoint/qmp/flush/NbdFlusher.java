package dev.vmcheckpoint.qmp.flush;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.vmcheckpoint.qmp.Command;
import dev.vmcheckpoint.qmp.Deadline;
import dev.vmcheckpoint.qmp.Event;
import dev.vmcheckpoint.qmp.ExpectedEvent;
import dev.vmcheckpoint.qmp.QmpException;
import dev.vmcheckpoint.qmp.Reply;
import dev.vmcheckpoint.qmp.Session;
import java.io.IOException;
import java.nio.channels.SocketChannel;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeoutException;

/**
 * Flushes by {@code NBD_CMD_FLUSH} on a temporary read-only export, which QEMU carries out without
 * holding its main loop. A flush that does not return leaves its export: removing that would wait
 * for the flush as well, and while it is there no other flush of the node is begun.
 */
final class NbdFlusher {
  /** Base name of the server's socket. QEMU replaces whatever has that name. */
  private static final String SOCKET = "vmcp.nbd";

  private static final String EXPORT_PREFIX = "vmcp-flush-";

  private final MonitorVolume volume;
  private final Session session;

  NbdFlusher(MonitorVolume volume, Session session) {
    this.volume = volume;
    this.session = session;
  }

  /**
   * Removes the export that an earlier flush of the node has left.
   *
   * @throws FlushException where that flush has not returned yet
   */
  void removeExportsLeftFor(String node) {
    for (Reply export : exports()) {
      if (isOurs(export) && export.text("node-name").equals(node)) {
        String id = export.text("id");
        ExpectedEvent gone = session.qmp().expect(Event.BLOCK_EXPORT_DELETED, id);
        // In this mode QEMU refuses while a request is in flight.
        if (remove(id, "safe")) {
          session.await(gone);
        } else if (isThere(id)) {
          throw new FlushException(
              "an earlier flush of node %s has not returned: its export %s is in use"
                  .formatted(node, id));
        }
      }
    }
  }

  /**
   * Flushes a node.
   *
   * @return whether this way was open: {@code false} where another NBD server is in the way, or
   *     QEMU's socket is not to be reached
   */
  boolean flush(String node) {
    Optional<String> path = QemuDirectory.sibling(volume.monitorSocket(), SOCKET, session);
    if (path.isEmpty()) {
      return false;
    }
    boolean started = startServer(path.get());
    SocketChannel channel;
    try {
      channel = volume.connect(SOCKET);
    } catch (IOException e) {
      if (started) {
        stopServerIfIdle();
      }
      return false;
    }
    Deadline limit = Deadline.after(session.deadline().remainingUpTo(session.timeouts().flush()));
    try (NbdClient client = NbdClient.greet(channel, limit)) {
      flush(node, client, limit);
      return true;
    } catch (IOException | TimeoutException e) {
      // Not QEMU's server: no export was added.
      return false;
    }
  }

  private void flush(String node, NbdClient client, Deadline limit) {
    String export = EXPORT_PREFIX + UUID.randomUUID();
    addExport(export, node);
    try {
      client.go(export, limit);
    } catch (IOException | TimeoutException e) {
      removeNow(export);
      throw new FlushException(
          "node %s was not flushed: its export was not to be had".formatted(node), e);
    }
    try {
      client.flush(limit);
    } catch (TimeoutException e) {
      throw new FlushException(
          "the flush of node %s did not return within %s"
              .formatted(node, session.timeouts().flush()),
          e);
    } catch (IOException e) {
      removeNow(export);
      stopServerIfIdle();
      throw new FlushException(
          "the flush of node %s failed: %s".formatted(node, e.getMessage()), e);
    }
    removeNow(export);
    stopServerIfIdle();
  }

  /** Whether the server is ours is seen by its socket: an earlier visit may have left it. */
  private boolean startServer(String path) {
    ObjectNode arguments = JsonNodeFactory.instance.objectNode();
    arguments.putObject("addr").put("type", "unix").putObject("data").put("path", path);
    try {
      session.run(Command.NBD_SERVER_START, arguments);
      return true;
    } catch (QmpException.Refused e) {
      return false;
    }
  }

  private void addExport(String export, String node) {
    try {
      session.run(
          Command.BLOCK_EXPORT_ADD,
          JsonNodeFactory.instance
              .objectNode()
              .put("type", "nbd")
              .put("id", export)
              .put("node-name", node)
              .put("name", export)
              .put("writable", false));
    } catch (QmpException.Refused e) {
      throw new FlushException(
          "node %s was not exported to be flushed: %s".formatted(node, e.description()), e);
    }
  }

  /**
   * From the server's side, which ends the client as well. It takes a turn of QEMU's main loop.
   * Refused only where somebody else has begun to remove it.
   */
  private void removeNow(String export) {
    ExpectedEvent gone = session.qmp().expect(Event.BLOCK_EXPORT_DELETED, export);
    if (remove(export, "hard") || isThere(export)) {
      session.await(gone);
    }
  }

  private boolean remove(String export, String mode) {
    try {
      session.run(
          Command.BLOCK_EXPORT_DEL,
          JsonNodeFactory.instance.objectNode().put("id", export).put("mode", mode));
      return true;
    } catch (QmpException.Refused e) {
      return false;
    }
  }

  private boolean isThere(String export) {
    return exports().stream().anyMatch(other -> other.text("id").equals(export));
  }

  /**
   * Only where no client of ours is in the middle of the handshake: QEMU 7.2 waits for such a
   * client in vain, with its main loop and for good. One whose export was removed does not count.
   * Otherwise the server is left for a later visit.
   */
  private void stopServerIfIdle() {
    if (exports().stream().noneMatch(export -> export.text("type").equals("nbd"))) {
      try {
        session.run(Command.NBD_SERVER_STOP);
      } catch (QmpException.Refused e) {
        // Somebody else has stopped it.
      }
    }
  }

  private List<Reply> exports() {
    return session.run(Command.QUERY_BLOCK_EXPORTS).items();
  }

  private static boolean isOurs(Reply export) {
    return export.text("id").startsWith(EXPORT_PREFIX);
  }
}
