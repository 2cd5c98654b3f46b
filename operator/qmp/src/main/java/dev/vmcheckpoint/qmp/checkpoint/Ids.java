package dev.vmcheckpoint.qmp.checkpoint;

import java.security.SecureRandom;
import java.util.HexFormat;

/** Draws what must never come twice. */
final class Ids {
  private final SecureRandom random = new SecureRandom();

  /** For one creation: 12 hexadecimal digits of time, so that a later one is greater, 12 random. */
  String attempt() {
    return "%012x%s".formatted(System.currentTimeMillis() & 0xffff_ffff_ffffL, digits(12));
  }

  /** For one opening of an image. */
  String epoch() {
    return digits(32);
  }

  private String digits(int count) {
    byte[] bytes = new byte[count / 2];
    random.nextBytes(bytes);
    return HexFormat.of().formatHex(bytes);
  }
}
