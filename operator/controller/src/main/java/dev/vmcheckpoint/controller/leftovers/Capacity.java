package dev.vmcheckpoint.controller.leftovers;

import static java.util.stream.Collectors.groupingBy;
import static java.util.stream.Collectors.summingLong;

import dev.vmcheckpoint.controller.decide.Leftover;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToLongFunction;

/**
 * How much may be kept in one place. Where that does not suffice, the namespace that has most of
 * what is short gives up its oldest record, so that a tenant who fills the place soon drops his own
 * records and nobody else's.
 *
 * @param records the most records
 * @param bytes the most bytes
 */
record Capacity(long records, long bytes) {
  /**
   * A record as it is kept.
   *
   * @param bytes its length with its key
   */
  record Kept(Leftover leftover, long bytes) {}

  /**
   * What has to go so that the rest fits, in this order.
   *
   * @param newest the one that all this is for, which stays
   */
  List<Leftover> excess(List<Kept> kept, Leftover newest) {
    List<Kept> left = new ArrayList<>(kept);
    List<Leftover> excess = new ArrayList<>();
    Optional<Kept> goes = next(left, newest);
    while (goes.isPresent()) {
      left.remove(goes.get());
      excess.add(goes.get().leftover());
      goes = next(left, newest);
    }
    return excess;
  }

  private Optional<Kept> next(List<Kept> left, Leftover newest) {
    if (left.size() > records) {
      return oldestOfTheGreatest(left, newest, _ -> 1);
    }
    if (left.stream().mapToLong(Kept::bytes).sum() > bytes) {
      return oldestOfTheGreatest(left, newest, Kept::bytes);
    }
    return Optional.empty();
  }

  private static Optional<Kept> oldestOfTheGreatest(
      List<Kept> left, Leftover newest, ToLongFunction<Kept> size) {
    Map<String, Long> sizes =
        left.stream().collect(groupingBy(Capacity::namespace, summingLong(size)));
    // Among equals, whoever has something added.
    Comparator<Kept> greatestFirst =
        Comparator.<Kept>comparingLong(one -> sizes.getOrDefault(namespace(one), 0L))
            .thenComparing(one -> namespace(one).equals(newest.namespace()))
            .reversed();
    return left.stream()
        .filter(one -> !one.leftover().checkpoint().equals(newest.checkpoint()))
        .min(
            greatestFirst
                .thenComparing(Capacity::namespace)
                .thenComparingLong(one -> one.leftover().since()));
  }

  private static String namespace(Kept one) {
    return one.leftover().namespace();
  }
}
