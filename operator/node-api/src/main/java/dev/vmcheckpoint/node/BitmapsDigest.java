package dev.vmcheckpoint.node;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.stream.Collectors;

/**
 * Tells whether a checkpoint's bitmaps are as they were when a machine was observed: which there
 * are on which disk, and in what state, whatever they list and whoever uses them.
 */
public final class BitmapsDigest {
  private BitmapsDigest() {}

  /** SHA-256 in 64 hexadecimal digits; that of nothing where the checkpoint has no bitmap. */
  public static String of(MachineObservation machine, CheckpointUid checkpoint) {
    String prefix = "vmcp-" + checkpoint + ".";
    String bitmaps =
        machine.disks().stream()
            .flatMap(
                disk ->
                    disk.bitmaps().stream()
                        .filter(bitmap -> bitmap.name().startsWith(prefix))
                        .map(bitmap -> line(disk, bitmap)))
            .sorted()
            .collect(Collectors.joining("\n"));
    return HexFormat.of().formatHex(sha256().digest(bitmaps.getBytes(UTF_8)));
  }

  private static String line(DiskObservation disk, BitmapObservation bitmap) {
    return "%s %s %d %b %b %b"
        .formatted(
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
