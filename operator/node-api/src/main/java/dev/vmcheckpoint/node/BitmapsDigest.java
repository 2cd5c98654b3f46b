package dev.vmcheckpoint.node;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;

/**
 * Tells whether a checkpoint's bitmaps are as they were when a machine was observed: which there
 * are on which disk, and in what state, whatever they list and whoever uses them.
 */
public final class BitmapsDigest {
  private static final byte[] LINE_FEED = {'\n'};

  private BitmapsDigest() {}

  /** SHA-256 in 64 hexadecimal digits; that of nothing where the checkpoint has no bitmap. */
  public static String of(MachineObservation machine, CheckpointUid checkpoint) {
    String prefix = "vmcp-" + checkpoint + ".";
    MessageDigest digest = sha256();
    byte[] separator = {};
    // Line by line: a tenant's machine may show so much that all of it would not fit into memory.
    for (DiskObservation disk : sorted(machine.disks(), DiskObservation::name)) {
      for (BitmapObservation bitmap : sorted(disk.bitmaps(), BitmapObservation::name)) {
        if (bitmap.name().startsWith(prefix)) {
          digest.update(separator);
          digest.update(line(disk, bitmap).getBytes(UTF_8));
          separator = LINE_FEED;
        }
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private static <T> List<T> sorted(List<T> all, Function<T, String> name) {
    return all.stream().sorted(Comparator.comparing(name)).toList();
  }

  private static String line(DiskObservation disk, BitmapObservation bitmap) {
    return String.format(
        Locale.ROOT,
        "%s %s %d %b %b %b",
        disk.name(),
        bitmap.name(),
        bitmap.granularityBytes(),
        bitmap.recording(),
        bitmap.persistent(),
        bitmap.inconsistent());
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
