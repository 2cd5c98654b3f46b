package dev.vmcheckpoint.qmp.flush;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;

/**
 * The directory that holds the monitor's socket, as this process sees it. QEMU may see it under
 * another name, so sockets in it are named by their base name.
 */
public interface MonitorVolume {
  /** Base name of the monitor's socket, such as {@code qmp.sock}. */
  String monitorSocket();

  /**
   * Connects to a socket in the directory.
   *
   * @param socket its base name
   * @return a connected channel in blocking mode, which the caller closes
   * @throws IOException where there is no such socket, or nobody listens on it
   */
  SocketChannel connect(String socket) throws IOException;

  /** The volume of a monitor's socket that is reached by an ordinary path. */
  static MonitorVolume of(Path monitorSocket) {
    return new MonitorVolume() {
      @Override
      public String monitorSocket() {
        return monitorSocket.getFileName().toString();
      }

      @Override
      public SocketChannel connect(String socket) throws IOException {
        return SocketChannel.open(UnixDomainSocketAddress.of(monitorSocket.resolveSibling(socket)));
      }
    };
  }
}
