package dev.vmcheckpoint.sidecar.machine;

import dev.vmcheckpoint.node.ErrorCode;
import dev.vmcheckpoint.node.NodeApiException;
import dev.vmcheckpoint.node.PodUid;
import dev.vmcheckpoint.qmp.flush.MonitorVolume;
import dev.vmcheckpoint.sidecar.handle.Handle;
import dev.vmcheckpoint.sidecar.handle.OpenException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A pod's emptyDir volume {@code qmp}, in which its monitor {@code qmp.sock} is, below the
 * directory in which the kubelet keeps its pods. What lies in the volume is the tenant's work, and
 * may change at any moment: so each step is taken from a handle of the one before, no symbolic link
 * is followed and no mount entered, and a connection is made through a handle of the very socket
 * that was checked. Used by one thread at a time.
 */
final class PodVolume implements MonitorVolume, AutoCloseable {
  private static final String MONITOR = "qmp.sock";

  private final Handle directory;

  private PodVolume(Handle directory) {
    this.directory = directory;
  }

  /**
   * Holds a pod's volume.
   *
   * @throws NodeApiException.Answered where the way to it ends, and why
   */
  static PodVolume open(Path podsDirectory, PodUid machine) {
    try (Handle pods = podsDirectory(podsDirectory);
        Handle pod = directory(pods, machine.value(), ErrorCode.MachineUnknown);
        Handle volumes = directory(pod, "volumes", ErrorCode.NoMonitorVolume);
        Handle emptyDirs =
            directory(volumes, "kubernetes.io~empty-dir", ErrorCode.NoMonitorVolume)) {
      return new PodVolume(volume(emptyDirs));
    }
  }

  private static Handle podsDirectory(Path path) {
    try {
      return Handle.of(path);
    } catch (OpenException e) {
      throw new NodeApiException.Answered(
          ErrorCode.Internal, "%s: %s".formatted(path, e.getMessage()));
    }
  }

  private static Handle directory(Handle parent, String name, ErrorCode otherwise) {
    try {
      return checkedDirectory(parent.entry(name), otherwise);
    } catch (OpenException e) {
      throw refusal(parent, name, "a directory", otherwise, e);
    }
  }

  /** An emptyDir in memory is a mount, and so are others that the kubelet never makes. */
  private static Handle volume(Handle parent) {
    String name = "qmp";
    try {
      return checkedDirectory(parent.entry(name), ErrorCode.NoMonitorVolume);
    } catch (OpenException e) {
      if (e.reason() != OpenException.Reason.MOUNT) {
        throw refusal(parent, name, "a directory", ErrorCode.NoMonitorVolume, e);
      }
    }
    try {
      return checkedTmpfs(checkedDirectory(parent.entryOrMount(name), ErrorCode.NoMonitorVolume));
    } catch (OpenException e) {
      throw refusal(parent, name, "a directory", ErrorCode.NoMonitorVolume, e);
    }
  }

  private static Handle checkedDirectory(Handle found, ErrorCode otherwise) {
    return checked(
        found,
        () -> {
          if (!found.status().isDirectory()) {
            throw new NodeApiException.Answered(
                otherwise, "%s: not a directory".formatted(found.name()));
          }
        });
  }

  private static Handle checkedTmpfs(Handle found) {
    return checked(
        found,
        () -> {
          if (!found.isOnWholeTmpfs()) {
            throw new NodeApiException.Answered(
                ErrorCode.NoMonitorVolume,
                "%s: a directory from elsewhere is mounted on it; the kubelet mounts nothing but a tmpfs there"
                    .formatted(found.name()));
          }
        });
  }

  @Override
  public String monitorSocket() {
    return MONITOR;
  }

  /** Path of the monitor, for messages. */
  Path monitorPath() {
    return directory.name().resolve(MONITOR);
  }

  /**
   * Connects to the monitor.
   *
   * @return a connected channel in blocking mode
   * @throws NodeApiException.Answered where that is not possible, and why
   */
  SocketChannel connectToMonitor() {
    try (Handle socket = socket(MONITOR)) {
      return connectTo(socket);
    }
  }

  @Override
  public SocketChannel connect(String name) throws IOException {
    try (Handle socket = socket(name)) {
      return connectTo(socket);
    } catch (NodeApiException.Answered e) {
      throw new IOException(e.problem().detail(), e);
    }
  }

  private Handle socket(String name) {
    Handle found;
    try {
      found = directory.entry(name);
    } catch (OpenException e) {
      throw refusal(directory, name, "a socket", ErrorCode.NoMonitorSocket, e);
    }
    return checked(
        found,
        () -> {
          if (!found.status().isSocket()) {
            throw noSocket(found, "not a socket");
          }
          if (found.status().links() != 1) {
            throw noSocket(
                found,
                "has another name somewhere, so it may be another's; hard links are refused");
          }
        });
  }

  private static SocketChannel connectTo(Handle socket) {
    try {
      SocketChannel channel = connected(socket.path());
      try {
        Peer.of(channel).requireOwner(socket.status());
        return channel;
      } catch (Peer.StrangerException e) {
        channel.close();
        throw noSocket(socket, e.who());
      } catch (IOException e) {
        channel.close();
        throw e;
      }
    } catch (ConnectException e) {
      throw new NodeApiException.Answered(
          ErrorCode.MonitorNotListening,
          "%s: nobody listens; is QEMU running?".formatted(socket.name()));
    } catch (IOException e) {
      requirePermission(socket);
      throw new NodeApiException.Answered(
          ErrorCode.MonitorBusy,
          "%s: %s; is the queue of clients that wait for the monitor full?"
              .formatted(socket.name(), e.getMessage()));
    }
  }

  /** Does not wait in the queue of clients where that is full, since nothing would end the wait. */
  private static SocketChannel connected(Path socket) throws IOException {
    SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
    try {
      channel.configureBlocking(false);
      channel.connect(UnixDomainSocketAddress.of(socket));
      channel.configureBlocking(true);
      return channel;
    } catch (IOException e) {
      channel.close();
      throw e;
    }
  }

  /** To connect takes the permission to write, unix(7). */
  private static void requirePermission(Handle socket) {
    if (!Files.isWritable(socket.path())) {
      throw new NodeApiException.Answered(
          ErrorCode.MonitorPermissionDenied,
          "%s: permission denied; run QEMU with umask 007 in a pod with fsGroup 107"
              .formatted(socket.name()));
    }
  }

  private static NodeApiException.Answered refusal(
      Handle parent, String name, String wanted, ErrorCode otherwise, OpenException e) {
    Path path = parent.name().resolve(name);
    return switch (e.reason()) {
      case LINK ->
          new NodeApiException.Answered(
              otherwise, "%s: not %s; symbolic links are not followed".formatted(path, wanted));
      case MOUNT ->
          new NodeApiException.Answered(
              otherwise, "%s: something is mounted on it; mounts are not entered".formatted(path));
      case FORBIDDEN ->
          new NodeApiException.Answered(
              ErrorCode.MonitorPermissionDenied,
              "%s: the sidecar may not search this directory; it opens the kubelet's through its supplementary group 0, the volume through 107"
                  .formatted(parent.name()));
      case ABSENT, UNSUPPORTED, OTHER ->
          new NodeApiException.Answered(otherwise, "%s: %s".formatted(path, e.getMessage()));
    };
  }

  private static NodeApiException.Answered noSocket(Handle found, String why) {
    return new NodeApiException.Answered(
        ErrorCode.NoMonitorSocket, "%s: %s".formatted(found.name(), why));
  }

  /** Gives the handle back where a check fails. */
  private static Handle checked(Handle found, Check check) {
    try {
      check.run();
      return found;
    } catch (IOException e) {
      found.close();
      throw new NodeApiException.Answered(
          ErrorCode.Internal, "%s: %s".formatted(found.name(), e.getMessage()));
    } catch (NodeApiException.Answered e) {
      found.close();
      throw e;
    }
  }

  @Override
  public void close() {
    directory.close();
  }

  private interface Check {
    void run() throws IOException;
  }
}
