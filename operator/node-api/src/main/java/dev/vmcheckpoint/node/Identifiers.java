package dev.vmcheckpoint.node;

import java.util.regex.Pattern;

/** What an identifier of this contract may look like. */
final class Identifiers {
  private static final Pattern UID = Pattern.compile("[0-9a-f]([0-9a-f-]{0,62}[0-9a-f])?");

  private Identifiers() {}

  static void requireUid(String what, String value) {
    if (!UID.matcher(value).matches()) {
      throw new IllegalArgumentException(
          "a %s is 1 to 64 lower-case hexadecimal digits and hyphens, not '%s'"
              .formatted(what, value.substring(0, Math.min(value.length(), 100))));
    }
  }
}
