package dev.vmcheckpoint.node;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.Optional;

/**
 * Bitmaps on the top format node of a disk that are not ours: what a live migration with the
 * capability {@code dirty-bitmaps} has to take along besides ours.
 *
 * @param granules how many granules they have together, each of which such a migration counts as a
 *     byte
 * @param notMigratable name of one with which QEMU refuses such a migration: it is inconsistent, or
 *     its name is longer than 255 bytes; printable
 */
public record OtherBitmaps(
    long granules, @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<String> notMigratable) {
  private static final int MAX_NAME = 1024;

  public OtherBitmaps {
    notMigratable = notMigratable.map(name -> PrintableText.of(name, MAX_NAME));
  }
}
