package dev.vmcheckpoint.sidecar.handle;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.UserPrincipal;
import java.util.Map;
import java.util.Objects;

/**
 * What inode(7) tells of a file.
 *
 * @param mode its type and permissions
 * @param links the number of its names
 * @param uid its owner, 0 to 2^32-2
 * @param owner the same
 */
public record FileStatus(int mode, int links, long uid, UserPrincipal owner) {
  private static final int TYPE = 0170000; // S_IFMT
  private static final int DIRECTORY = 0040000; // S_IFDIR
  private static final int SOCKET = 0140000; // S_IFSOCK

  static FileStatus of(Path inode) throws IOException {
    Map<String, Object> attributes = Files.readAttributes(inode, "unix:mode,nlink,uid,owner");
    return new FileStatus(
        (int) attribute(attributes, "mode"),
        (int) attribute(attributes, "nlink"),
        Integer.toUnsignedLong((int) attribute(attributes, "uid")),
        (UserPrincipal) attribute(attributes, "owner"));
  }

  private static Object attribute(Map<String, Object> attributes, String name) {
    return Objects.requireNonNull(attributes.get(name));
  }

  public boolean isDirectory() {
    return (mode & TYPE) == DIRECTORY;
  }

  public boolean isSocket() {
    return (mode & TYPE) == SOCKET;
  }
}
