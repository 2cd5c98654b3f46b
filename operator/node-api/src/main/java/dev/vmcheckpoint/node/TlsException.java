package dev.vmcheckpoint.node;

/** A file of TLS material that cannot be used; the message names it and says what is wrong. */
public final class TlsException extends Exception {
  private static final long serialVersionUID = 1L;

  public TlsException(String message) {
    super(message);
  }

  public TlsException(String message, Throwable cause) {
    super(message, cause);
  }
}
