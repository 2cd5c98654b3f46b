package dev.vmcheckpoint.controller.certificates;

import dev.vmcheckpoint.controller.certificates.Approval.Reason;

/** A request is not to be granted; the message says what is wrong with it. */
final class DeniedException extends Exception {
  private static final long serialVersionUID = 1L;

  private final Reason reason;

  DeniedException(Reason reason, String message) {
    super(message);
    this.reason = reason;
  }

  Reason reason() {
    return reason;
  }
}
