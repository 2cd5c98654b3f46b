package dev.vmcheckpoint.sidecar.handle;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * Takes from this process what it does not need of its files, for good, see landlock(7): it takes
 * no privilege to do so, and none gives it back.
 */
public final class Landlock {
  private static final long READ_FILE = 1 << 2;
  private static final long READ_DIRECTORY = 1 << 3;

  /** Flags of {@code LANDLOCK_ACCESS_FS_} that each version knows, linux/landlock.h. */
  private static final List<Long> ACCESS = List.of(0L, 0x1fffL, 0x3fffL, 0x7fffL, 0x7fffL, 0xffffL);

  private Landlock() {}

  /**
   * Lets this thread, and all that it starts from now on, open no file below a directory, and no
   * file elsewhere but to read. Files are neither made nor removed nor executed. To hold a file
   * without opening it, and to connect to a socket, stay permitted: that is how {@link Handle}s are
   * used.
   *
   * @param closed the directory; what is beside it, or beside a directory above it, can be read if
   *     it is there already
   * @return whether this kernel can do that, which it can from Linux 5.13 on if it has Landlock
   * @throws IOException where it can, and does not
   */
  public static boolean closeBelow(Path closed) throws IOException {
    int version = Linux.landlockVersion();
    if (version == 0) {
      return false;
    }
    int ruleset = Linux.landlockCreateRuleset(ACCESS.get(Math.min(version, ACCESS.size() - 1)));
    try {
      Path above = closed.toRealPath();
      while (above.getParent() != null) {
        allowToReadBeside(above, ruleset);
        above = above.getParent();
      }
      Linux.landlockRestrictSelf(ruleset);
      return true;
    } finally {
      Linux.close(ruleset);
    }
  }

  private static void allowToReadBeside(Path closed, int ruleset) throws IOException {
    try (Stream<Path> entries = Files.list(closed.getParent())) {
      for (Path entry : entries.filter(entry -> !entry.equals(closed)).toList()) {
        try (Handle file = Handle.of(entry)) {
          long access = Files.isDirectory(entry) ? READ_FILE | READ_DIRECTORY : READ_FILE;
          file.allowBeneath(ruleset, access);
        } catch (OpenException notThere) {
          // What cannot be held cannot be read either: it is gone, or a link that leads nowhere.
        }
      }
    }
  }
}
