package dev.vmcheckpoint.controller.decide;

/** Texts for people, within the bounds of the API. */
final class Texts {
  /** The longest message that the resource takes, in characters. */
  static final int MAX_MESSAGE = 1024;

  private static final String ELLIPSIS = "...";
  private static final String[] UNITS = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};

  private Texts() {}

  /** The message, cut off where it is too long. */
  static String bounded(String message) {
    return message.length() <= MAX_MESSAGE
        ? message
        : message.substring(0, MAX_MESSAGE - ELLIPSIS.length()) + ELLIPSIS;
  }

  /** Bytes as a short quantity: two digits or more, for example {@code 1.4Gi}. */
  static String quantity(long bytes) {
    int unit = 0;
    double value = bytes;
    while (value >= 1024 && unit < UNITS.length - 1) {
      value /= 1024;
      unit++;
    }
    long tenths = (long) (value * 10);
    return tenths >= 100 || tenths % 10 == 0
        ? tenths / 10 + UNITS[unit]
        : tenths / 10 + "." + tenths % 10 + UNITS[unit];
  }
}
