package dev.vmcheckpoint.sidecar.handle;

import java.io.IOException;

/** A file that was not opened. */
public final class OpenException extends IOException {
  private static final long serialVersionUID = 1L;

  /** Why. */
  public enum Reason {
    /** There is nothing of that name. */
    ABSENT,
    /** It is a symbolic link. */
    LINK,
    /** Something is mounted there. */
    MOUNT,
    /** The directory that it is in may not be searched. */
    FORBIDDEN,
    /** The kernel does not know {@code openat2}, or a seccomp profile keeps it away. */
    UNSUPPORTED,
    /** Anything else, which the message says. */
    OTHER
  }

  private final Reason reason;

  OpenException(Reason reason, String message) {
    super(message);
    this.reason = reason;
  }

  public Reason reason() {
    return reason;
  }
}
