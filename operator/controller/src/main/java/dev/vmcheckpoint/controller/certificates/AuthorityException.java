package dev.vmcheckpoint.controller.certificates;

/** Something that is to be a certificate authority is none; the message says why. */
final class AuthorityException extends Exception {
  private static final long serialVersionUID = 1L;

  AuthorityException(String message) {
    super(message);
  }

  AuthorityException(String message, Throwable cause) {
    super(message, cause);
  }
}
