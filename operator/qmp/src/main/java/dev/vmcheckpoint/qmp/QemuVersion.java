package dev.vmcheckpoint.qmp;

/** QAPI {@code VersionTriple}. */
public record QemuVersion(int major, int minor, int micro) {
  /** Whether this is the given major version or a later one. */
  public boolean isAtLeast(int otherMajor) {
    return major >= otherMajor;
  }

  @Override
  public String toString() {
    return "%d.%d.%d".formatted(major, minor, micro);
  }
}
