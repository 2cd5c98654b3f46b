package dev.vmcheckpoint.proof;

/** What must never be: a checkpoint that was said to be good does not list what has changed. */
final class Lie extends AssertionError {
  private static final long serialVersionUID = 1;

  Lie(String message) {
    super(message);
  }
}
