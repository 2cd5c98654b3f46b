package dev.vmcheckpoint.qmp.flush;

import org.jspecify.annotations.Nullable;

/** A node of which it is not known that it is flushed. Nothing else was changed. */
public final class FlushException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public FlushException(String message) {
    this(message, null);
  }

  public FlushException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
