package dev.vmcheckpoint.controller.decide;

import dev.vmcheckpoint.node.PrintableText;

/** Texts for people, within the bounds of the API. */
final class Texts {
  /** The longest message that the resource takes, in characters. */
  static final int MAX_MESSAGE = 1024;

  private static final String[] UNITS = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};

  private Texts() {}

  /** The message in characters that can be seen, cut off where it is too long. */
  static String bounded(String message) {
    return PrintableText.of(message, MAX_MESSAGE);
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
