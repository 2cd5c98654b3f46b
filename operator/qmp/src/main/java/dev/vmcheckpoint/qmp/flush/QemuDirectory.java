package dev.vmcheckpoint.qmp.flush;

import dev.vmcheckpoint.qmp.Command;
import dev.vmcheckpoint.qmp.Reply;
import dev.vmcheckpoint.qmp.Session;
import java.util.List;
import java.util.Optional;

/** Where QEMU itself sees the directory of its monitor's socket. */
final class QemuDirectory {
  private static final String PREFIX = "unix:";
  private static final String SUFFIX = ",server=on";

  private QemuDirectory() {}

  /**
   * The path of another socket beside the monitor's; empty where it is not certain.
   *
   * @param monitorSocket base name of the monitor's socket
   * @param sibling base name of the other socket
   */
  static Optional<String> sibling(String monitorSocket, String sibling, Session session) {
    List<String> monitors =
        session.run(Command.QUERY_CHARDEV).items().stream()
            .filter(chardev -> chardev.flag("frontend-open"))
            .map(QemuDirectory::boundPath)
            .flatMap(Optional::stream)
            .filter(path -> baseName(path).equals(monitorSocket))
            .toList();
    return monitors.size() == 1
        ? Optional.of(
            monitors.getFirst().substring(0, monitors.getFirst().length() - monitorSocket.length())
                + sibling)
        : Optional.empty();
  }

  /** QEMU shows a listening socket with a client as {@code unix:<path>,server=on}. */
  private static Optional<String> boundPath(Reply chardev) {
    String filename = chardev.text("filename");
    return filename.startsWith(PREFIX) && filename.endsWith(SUFFIX)
        ? Optional.of(filename.substring(PREFIX.length(), filename.length() - SUFFIX.length()))
        : Optional.empty();
  }

  private static String baseName(String path) {
    return path.substring(path.lastIndexOf('/') + 1);
  }
}
