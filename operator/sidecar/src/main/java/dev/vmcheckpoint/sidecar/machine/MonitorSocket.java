package dev.vmcheckpoint.sidecar.machine;

import dev.vmcheckpoint.node.ErrorCode;
import dev.vmcheckpoint.node.NodeApiException;
import dev.vmcheckpoint.node.PodUid;
import dev.vmcheckpoint.qmp.flush.MonitorVolume;
import java.io.IOException;
import java.net.ConnectException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;

/**
 * The way to a pod's monitor: {@code qmp.sock} in its emptyDir volume {@code qmp}, below the
 * directory in which the kubelet keeps its pods. What lies in the volume is the tenant's work, so
 * no symbolic link is followed.
 */
final class MonitorSocket implements MonitorVolume {
  private static final String NAME = "qmp.sock";
  private static final List<String> FROM_POD_TO_VOLUME =
      List.of("volumes", "kubernetes.io~empty-dir", "qmp");
  private static final int FILE_TYPE = 0170000; // S_IFMT, inode(7)
  private static final int DIRECTORY = 0040000; // S_IFDIR
  private static final int SOCKET = 0140000; // S_IFSOCK

  private final Path pod;

  MonitorSocket(Path podsDirectory, PodUid machine) {
    this.pod = podsDirectory.resolve(machine.value());
  }

  /** Path of the socket. */
  Path path() {
    return inVolume(NAME);
  }

  @Override
  public String monitorSocket() {
    return NAME;
  }

  /**
   * Connects to the monitor.
   *
   * @return a connected channel in blocking mode
   * @throws NodeApiException.Answered where the way ends, and why
   */
  SocketChannel connect() {
    requireVolume();
    requireSocket(path());
    try {
      return connected(path());
    } catch (ConnectException e) {
      throw refusal(
          ErrorCode.MonitorNotListening, "%s: nobody listens; is QEMU running?".formatted(path()));
    } catch (IOException e) {
      requireSocket(path());
      requirePermission(path());
      throw refusal(
          ErrorCode.MonitorLost, "connecting to %s: %s".formatted(path(), e.getMessage()));
    }
  }

  @Override
  public SocketChannel connect(String name) throws IOException {
    if (name.isEmpty() || name.contains("/")) {
      throw new IOException("'%s' is not the name of a socket".formatted(name));
    }
    try {
      requireVolume();
      requireSocket(inVolume(name));
      return connected(inVolume(name));
    } catch (NodeApiException.Answered e) {
      throw new IOException(e.getMessage(), e);
    }
  }

  private Path inVolume(String name) {
    Path volume = pod;
    for (String step : FROM_POD_TO_VOLUME) {
      volume = volume.resolve(step);
    }
    return volume.resolve(name);
  }

  private void requireVolume() {
    requireType(pod, DIRECTORY, "a directory", ErrorCode.MachineUnknown);
    Path step = pod;
    for (String name : FROM_POD_TO_VOLUME) {
      step = step.resolve(name);
      requireType(step, DIRECTORY, "a directory", ErrorCode.NoMonitorVolume);
    }
  }

  private static void requireSocket(Path path) {
    requireType(path, SOCKET, "a socket", ErrorCode.NoMonitorSocket);
  }

  private static void requireType(Path path, int type, String name, ErrorCode otherwise) {
    try {
      int mode = (int) Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS);
      if ((mode & FILE_TYPE) != type) {
        throw refusal(
            otherwise, "%s: not %s; symbolic links are not followed".formatted(path, name));
      }
    } catch (NoSuchFileException e) {
      throw refusal(otherwise, "%s: not there".formatted(path));
    } catch (AccessDeniedException e) {
      throw refusal(
          ErrorCode.MonitorPermissionDenied,
          "%s: the sidecar may not search this directory; it opens the kubelet's through its supplementary group 0, the volume through 107"
              .formatted(path.getParent()));
    } catch (IOException e) {
      throw refusal(otherwise, "%s: %s".formatted(path, e.getMessage()));
    }
  }

  /** To connect takes the permission to write, unix(7). */
  private static void requirePermission(Path socket) {
    if (!Files.isWritable(socket)) {
      throw refusal(
          ErrorCode.MonitorPermissionDenied,
          "%s: permission denied; run QEMU with umask 007 in a pod with fsGroup 107"
              .formatted(socket));
    }
  }

  /** Never waits: a connection that cannot be had at once finds a queue of other clients full. */
  private static SocketChannel connected(Path socket) throws IOException {
    SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
    try {
      channel.configureBlocking(false);
      if (!channel.connect(UnixDomainSocketAddress.of(socket))) {
        throw refusal(
            ErrorCode.MonitorBusy,
            "%s: the queue of clients that wait for the monitor is full".formatted(socket));
      }
      channel.configureBlocking(true);
      return channel;
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  private static NodeApiException.Answered refusal(ErrorCode code, String detail) {
    return new NodeApiException.Answered(code, detail);
  }
}
