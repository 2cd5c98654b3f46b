package dev.vmcheckpoint.api;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Normal forms of the records' members. */
final class Members {
  private Members() {}

  static <T> List<T> listOf(@Nullable List<T> given) {
    return given == null ? List.of() : List.copyOf(given);
  }

  static @Nullable Instant wholeSeconds(@Nullable Instant given) {
    return given == null ? null : given.truncatedTo(ChronoUnit.SECONDS);
  }

  /** JSON leaves empty members out, so that they are read as absent. */
  static @Nullable String nonEmpty(@Nullable String given) {
    return given == null || given.isEmpty() ? null : given;
  }
}
