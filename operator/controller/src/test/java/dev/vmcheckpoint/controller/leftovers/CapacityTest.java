package dev.vmcheckpoint.controller.leftovers;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.controller.decide.Leftover;
import dev.vmcheckpoint.controller.leftovers.Capacity.Kept;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Which records go where there are too many. */
final class CapacityTest {
  private static final long ENOUGH = 1_000_000;

  @Test
  void whatFitsStays() {
    List<Kept> kept = records("shop", 3, 10);

    assertThat(new Capacity(3, 30).excess(kept, newestOf(kept))).isEmpty();
  }

  @Test
  void theOldestOfTheNamespaceWithMostRecordsGoes() {
    List<Kept> neighbours = records("bank", 2, 10);
    List<Kept> own = records("shop", 4, 10);

    List<Leftover> excess = new Capacity(5, ENOUGH).excess(both(neighbours, own), newestOf(own));

    assertThat(excess).containsExactly(own.getFirst().leftover());
  }

  @Test
  void aNamespaceTakesFromOneThatHasMore() {
    List<Kept> greedy = records("shop", 5, 10);
    List<Kept> newcomers = records("bank", 1, 10);

    List<Leftover> excess =
        new Capacity(5, ENOUGH).excess(both(greedy, newcomers), newestOf(newcomers));

    assertThat(excess).containsExactly(greedy.getFirst().leftover());
  }

  @Test
  void amongEqualsWhoeverAddsGivesUpHisOwn() {
    List<Kept> neighbours = records("bank", 3, 10);
    List<Kept> own = records("shop", 3, 10);

    List<Leftover> excess = new Capacity(5, ENOUGH).excess(both(neighbours, own), newestOf(own));

    assertThat(excess).containsExactly(own.getFirst().leftover());
  }

  @Test
  void aFewLargeRecordsTakeNothingFromManySmallOnes() {
    List<Kept> neighbours = records("bank", 20, 10);
    List<Kept> own = records("shop", 3, 400);

    List<Leftover> excess =
        new Capacity(ENOUGH, 1_000).excess(both(neighbours, own), newestOf(own));

    assertThat(excess).containsExactly(own.getFirst().leftover());
  }

  @Test
  void asManyGoAsAreTooMany() {
    List<Kept> neighbours = records("bank", 2, 10);
    List<Kept> own = records("shop", 6, 10);

    List<Leftover> excess = new Capacity(3, ENOUGH).excess(both(neighbours, own), newestOf(own));

    assertThat(excess)
        .extracting(Leftover::checkpoint)
        .containsExactly("shop-1", "shop-2", "shop-3", "shop-4", "shop-5");
  }

  @Test
  void theNewestStaysThoughItsNamespaceHasMost() {
    List<Kept> neighbours = records("bank", 2, 10);
    List<Kept> own = records("shop", 1, 90);

    List<Leftover> excess = new Capacity(ENOUGH, 100).excess(both(neighbours, own), newestOf(own));

    assertThat(excess).containsExactly(neighbours.getFirst().leftover());
  }

  /** The oldest first; those of all namespaces are equally old. */
  private static List<Kept> records(String namespace, int number, long bytes) {
    return IntStream.rangeClosed(1, number)
        .mapToObj(
            i ->
                new Kept(
                    new Leftover(
                        "%s-%d".formatted(namespace, i), namespace, "db-0", i, false, List.of()),
                    bytes))
        .toList();
  }

  private static List<Kept> both(List<Kept> some, List<Kept> others) {
    return Stream.concat(some.stream(), others.stream()).toList();
  }

  private static Leftover newestOf(List<Kept> kept) {
    return kept.getLast().leftover();
  }
}
