package dev.vmcheckpoint.node;

/**
 * Text for people, made harmless: a part of it may be a name that a tenant chose to break a
 * terminal, a log or a table with.
 */
public final class PrintableText {
  private static final String ELLIPSIS = "...";

  private PrintableText() {}

  /**
   * The text with what is not to be seen in it written as its code, as JSON does it: control
   * characters, line breaks, marks that turn the direction of writing, halves of surrogate pairs.
   *
   * @param maxLength of the result, in UTF-16 code units, at least 3; it is cut off there
   */
  public static String of(String text, int maxLength) {
    StringBuilder printable = new StringBuilder(Math.min(text.length(), maxLength));
    int at = 0;
    while (at < text.length() && printable.length() <= maxLength) {
      int character = text.codePointAt(at);
      if (isPrintable(character)) {
        printable.appendCodePoint(character);
      } else {
        printable.append("\\u%04x".formatted(character));
      }
      at += Character.charCount(character);
    }
    return printable.length() <= maxLength ? printable.toString() : cut(printable, maxLength);
  }

  private static String cut(StringBuilder text, int maxLength) {
    int end = maxLength - ELLIPSIS.length();
    if (end > 0 && Character.isHighSurrogate(text.charAt(end - 1))) {
      end--;
    }
    return text.substring(0, end) + ELLIPSIS;
  }

  private static boolean isPrintable(int character) {
    return switch (Character.getType(character)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED ->
          false;
      default -> true;
    };
  }
}
