package dev.vmcheckpoint.proof;

import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** How often each kind of step was taken, and each interesting state reached. */
final class Tally {
  private final Map<String, Integer> counts = new TreeMap<>();

  void count(String what) {
    counts.merge(what, 1, Integer::sum);
  }

  int of(String what) {
    return counts.getOrDefault(what, 0);
  }

  @Override
  public String toString() {
    return counts.entrySet().stream()
        .map(entry -> "%7d  %s".formatted(entry.getValue(), entry.getKey()))
        .collect(Collectors.joining("\n"));
  }
}
