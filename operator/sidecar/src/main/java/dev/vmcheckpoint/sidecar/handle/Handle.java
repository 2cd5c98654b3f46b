package dev.vmcheckpoint.sidecar.handle;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * A file that is held, though not opened: it stays the same one while its name is given to another.
 * Used by one thread at a time.
 */
public final class Handle implements AutoCloseable {
  private static final long ONE_STEP =
      Linux.RESOLVE_NO_SYMLINKS | Linux.RESOLVE_NO_MAGICLINKS | Linux.RESOLVE_BENEATH;
  private static final Path DESCRIPTORS = Path.of("/proc/self/fd");
  private static final Path DESCRIPTIONS = Path.of("/proc/self/fdinfo");
  private static final Path MOUNTS = Path.of("/proc/self/mountinfo");

  private final int descriptor;
  private final Path name;

  private Handle(int descriptor, Path name) {
    this.descriptor = descriptor;
    this.name = name;
  }

  /** Holds what is at a path that can be trusted, and may have links in it. */
  public static Handle of(Path path) throws OpenException {
    return new Handle(Linux.openat2(Linux.AT_FDCWD, path.toString(), 0), path);
  }

  /**
   * Holds an entry of this directory, unless it is a symbolic link or something is mounted on it.
   *
   * @param entry its base name
   */
  public Handle entry(String entry) throws OpenException {
    return entry(entry, ONE_STEP | Linux.RESOLVE_NO_XDEV);
  }

  /** Holds an entry of this directory as {@link #entry} does, or what is mounted on it. */
  public Handle entryOrMount(String entry) throws OpenException {
    return entry(entry, ONE_STEP);
  }

  private Handle entry(String entry, long resolve) throws OpenException {
    return new Handle(Linux.openat2(descriptor, entry, resolve), name.resolve(entry));
  }

  /** The name under which it was found, for messages: it may be another's by now. */
  public Path name() {
    return name;
  }

  /**
   * A path that leads to this file and no other while it is held, see proc(5); of constant length.
   */
  public Path path() {
    return DESCRIPTORS.resolve(Integer.toString(descriptor));
  }

  public FileStatus status() throws IOException {
    return FileStatus.of(path());
  }

  /**
   * Whether it is on a tmpfs that is mounted as a whole, as the kubelet mounts an emptyDir in
   * memory, and not on a part of a file system that is mounted here as well, see proc(5).
   */
  public boolean isOnWholeTmpfs() throws IOException {
    String mount = mountId();
    try (Stream<String> mounts = Files.lines(MOUNTS)) {
      return mounts
          .map(line -> List.of(line.split(" ")))
          .filter(fields -> fields.getFirst().equals(mount))
          .anyMatch(
              fields ->
                  fields.get(3).equals("/") && fields.get(fields.indexOf("-") + 1).equals("tmpfs"));
    }
  }

  private String mountId() throws IOException {
    Path description = DESCRIPTIONS.resolve(Integer.toString(descriptor));
    return Files.readAllLines(description).stream()
        .filter(line -> line.startsWith("mnt_id:"))
        .map(line -> line.substring("mnt_id:".length()).strip())
        .findFirst()
        .orElseThrow(() -> new IOException("%s names no mount".formatted(description)));
  }

  /** Adds to a rule set of Landlock's what may be done to this file, or below this directory. */
  void allowBeneath(int ruleset, long access) throws IOException {
    Linux.landlockAllowBeneath(ruleset, descriptor, access);
  }

  @Override
  public void close() {
    Linux.close(descriptor);
  }
}
