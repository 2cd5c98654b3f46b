package dev.vmcheckpoint.sidecar.http;

/** What a caller sent, for a message to that caller. */
final class Echo {
  private static final int MAX_LENGTH = 200;

  private Echo() {}

  static String of(String given) {
    return given.length() <= MAX_LENGTH ? given : given.substring(0, MAX_LENGTH) + "...";
  }
}
