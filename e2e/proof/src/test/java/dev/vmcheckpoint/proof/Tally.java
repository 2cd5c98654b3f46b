package dev.vmcheckpoint.proof;

import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/** How often each kind of step was taken, and each interesting state reached. */
final class Tally {
  private final Map<String, Integer> counts = new TreeMap<>();
  private final Map<String, Long> nanosOf = new TreeMap<>();

  void count(String what) {
    counts.merge(what, 1, Integer::sum);
  }

  /** Adds time to that of a kind of step. */
  void time(String what, long nanos) {
    nanosOf.merge(what, nanos, Long::sum);
  }

  int of(String what) {
    return counts.getOrDefault(what, 0);
  }

  private String average(String what) {
    long nanos = nanosOf.getOrDefault(what, 0L);
    return nanos == 0
        ? ""
        : " (%d ms each)".formatted(TimeUnit.NANOSECONDS.toMillis(nanos / of(what)));
  }

  @Override
  public String toString() {
    return counts.entrySet().stream()
        .map(
            entry ->
                "PROOF %7d  %s%s"
                    .formatted(entry.getValue(), entry.getKey(), average(entry.getKey())))
        .collect(Collectors.joining("\n"));
  }
}
