package dev.vmcheckpoint.qmp;

import org.jspecify.annotations.Nullable;

/** A QMP exchange that brought no result. */
public abstract sealed class QmpException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private QmpException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }

  /** QEMU answered with an error: the command was not carried out. */
  public static final class Refused extends QmpException {
    private static final long serialVersionUID = 1L;

    private final String errorClass;
    private final String description;

    public Refused(Command command, String errorClass, String description) {
      super(
          "QEMU refused %s: %s (%s)".formatted(command.wireName(), description, errorClass), null);
      this.errorClass = errorClass;
      this.description = description;
    }

    /** QAPI {@code QapiErrorClass}, nearly always {@code GenericError}. */
    public String errorClass() {
      return errorClass;
    }

    /** QEMU's own words, for people; they change between versions. */
    public String description() {
      return description;
    }
  }

  /**
   * The monitor did not greet in time. It serves one client, and lets others wait without a word.
   */
  public static final class MonitorBusy extends QmpException {
    private static final long serialVersionUID = 1L;

    public MonitorBusy(String message) {
      super(message, null);
    }
  }

  /** The connection ended; a command that was sent may have been carried out. */
  public static final class ConnectionLost extends QmpException {
    private static final long serialVersionUID = 1L;

    public ConnectionLost(String message, @Nullable Throwable cause) {
      super(message, cause);
    }
  }

  /** No reply came in time; the command may have been carried out, or be yet. */
  public static final class TimedOut extends QmpException {
    private static final long serialVersionUID = 1L;

    public TimedOut(String message) {
      super(message, null);
    }
  }

  /** The deadline passed before the command was sent; the connection can still be used. */
  public static final class DeadlinePassed extends QmpException {
    private static final long serialVersionUID = 1L;

    public DeadlinePassed(String message) {
      super(message, null);
    }
  }

  /**
   * The command was not sent, for QEMU could die of it at this moment; the connection can still be
   * used.
   */
  public static final class Unsafe extends QmpException {
    private static final long serialVersionUID = 1L;

    public Unsafe(String message) {
      super(message, null);
    }
  }

  /** What came is not QMP, or is beyond all bounds; a command that was sent may have been run. */
  public static final class ProtocolViolated extends QmpException {
    private static final long serialVersionUID = 1L;

    public ProtocolViolated(String message) {
      super(message, null);
    }

    public ProtocolViolated(String message, Throwable cause) {
      super(message, cause);
    }
  }
}
