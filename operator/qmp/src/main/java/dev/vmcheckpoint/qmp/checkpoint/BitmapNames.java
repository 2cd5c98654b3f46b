package dev.vmcheckpoint.qmp.checkpoint;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The names of this library's bitmaps.
 *
 * <ul>
 *   <li>{@code vmcp-<checkpoint UID>.<attempt>.<disk>}: a checkpoint's bitmap on one disk
 *   <li>{@code vmcp-epoch.<id>}: persistent marker of one opening of an image; travels with it
 *   <li>{@code vmcp-open.<id>}: transient marker; QEMU forgets it when it closes the image
 * </ul>
 */
public final class BitmapNames {
  private static final String PREFIX = "vmcp-";
  private static final String EPOCH = PREFIX + "epoch.";
  private static final String OPEN = PREFIX + "open.";
  private static final Pattern CHECKPOINT =
      Pattern.compile("vmcp-(?<uid>[0-9a-f-]+)\\.(?<attempt>[0-9a-z]+)\\.(?<disk>.+)");

  private BitmapNames() {}

  /** Whether a name is in this library's part of the name space. */
  public static boolean isOurs(String name) {
    return name.startsWith(PREFIX);
  }

  static boolean isOf(CheckpointUid checkpoint, String name) {
    return Parts.of(name).filter(parts -> parts.uid().equals(checkpoint.value())).isPresent();
  }

  static boolean isMarker(String name) {
    return name.startsWith(EPOCH) || name.startsWith(OPEN);
  }

  /** Whether a name is that of a checkpoint's bitmap, and not of a marker. */
  static boolean isOfACheckpoint(String name) {
    return Parts.of(name).isPresent();
  }

  static String epoch(String id) {
    return EPOCH + id;
  }

  static String open(String id) {
    return OPEN + id;
  }

  /** The id in the name of a transient marker; empty for other names. */
  static Optional<String> openId(String name) {
    return name.startsWith(OPEN) ? Optional.of(name.substring(OPEN.length())) : Optional.empty();
  }

  /**
   * The parts of the name of a checkpoint's bitmap.
   *
   * @param attempt which creation made it; drawn anew for each
   */
  record Parts(String uid, String attempt, String disk) {
    /** Empty for other names. */
    static Optional<Parts> of(String name) {
      Matcher matcher = CHECKPOINT.matcher(name);
      return matcher.matches()
          ? Optional.of(
              new Parts(matcher.group("uid"), matcher.group("attempt"), matcher.group("disk")))
          : Optional.empty();
    }

    String name() {
      return PREFIX + uid + "." + attempt + "." + disk;
    }
  }
}
