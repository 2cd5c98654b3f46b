package dev.vmcheckpoint.qmp.checkpoint;

import java.util.regex.Pattern;

/**
 * Whose bitmaps they are; becomes part of their names.
 *
 * @param value lower-case hexadecimal digits and hyphens, 1 to 64 characters
 */
public record CheckpointUid(String value) {
  private static final Pattern FORM = Pattern.compile("[0-9a-f]([0-9a-f-]{0,62}[0-9a-f])?");

  public CheckpointUid {
    if (!FORM.matcher(value).matches()) {
      throw new IllegalArgumentException(
          "a checkpoint UID is 1 to 64 lower-case hexadecimal digits and hyphens, not '%s'"
              .formatted(value.substring(0, Math.min(value.length(), 100))));
    }
  }

  @Override
  public String toString() {
    return value;
  }
}
