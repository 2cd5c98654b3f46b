package dev.vmcheckpoint.node;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What an identifier of this contract may look like. */
final class Identifiers {
  private static final String UID_FORM = "[0-9a-f](?:[0-9a-f-]{0,62}[0-9a-f])?";
  private static final Pattern UID = Pattern.compile(UID_FORM);
  private static final Pattern DIGEST = Pattern.compile("[0-9a-f]{64}");
  private static final Pattern EPOCH = Pattern.compile("[0-9a-z]{1,64}");

  /** The end is a device's id, at most 128 bytes long. */
  private static final Pattern BITMAP =
      Pattern.compile("vmcp-(?<uid>" + UID_FORM + ")\\.[0-9a-z]{1,64}\\.[A-Za-z0-9._-]{1,128}");

  private Identifiers() {}

  static void requireUid(String what, String value) {
    if (!UID.matcher(value).matches()) {
      throw new IllegalArgumentException(
          "a %s is 1 to 64 lower-case hexadecimal digits and hyphens, not '%s'"
              .formatted(what, echo(value)));
    }
  }

  static void requireEpoch(String where, String value) {
    if (!EPOCH.matcher(value).matches()) {
      throw new IllegalArgumentException(
          "%s: an epoch's id is 1 to 64 lower-case letters and digits, not '%s'"
              .formatted(where, echo(value)));
    }
  }

  static void requireDigest(String where, String value) {
    if (!DIGEST.matcher(value).matches()) {
      throw new IllegalArgumentException(
          "%s: a digest is 64 lower-case hexadecimal digits, not '%s'"
              .formatted(where, echo(value)));
    }
  }

  static void requireBitmap(String where, String value) {
    if (checkpointOf(value).isEmpty()) {
      throw new IllegalArgumentException(
          "%s: a checkpoint's bitmap is called vmcp-<checkpoint UID>.<attempt>.<disk>, not '%s'"
              .formatted(where, echo(value)));
    }
  }

  static void requireBitmapOf(CheckpointUid checkpoint, String value) {
    if (!checkpointOf(value).equals(Optional.of(checkpoint.value()))) {
      throw new IllegalArgumentException(
          "a bitmap of the checkpoint %s is called vmcp-%s.<attempt>.<disk>, not '%s'"
              .formatted(checkpoint, checkpoint, echo(value)));
    }
  }

  private static Optional<String> checkpointOf(String bitmap) {
    Matcher matcher = BITMAP.matcher(bitmap);
    return matcher.matches() ? Optional.of(matcher.group("uid")) : Optional.empty();
  }

  private static String echo(String value) {
    return value.substring(0, Math.min(value.length(), 100));
  }
}
