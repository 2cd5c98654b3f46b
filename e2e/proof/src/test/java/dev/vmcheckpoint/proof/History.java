package dev.vmcheckpoint.proof;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A sequence of steps that a seed determines.
 *
 * @param seed what it was made from
 * @param fragments what it was made of
 * @param diskClusters size of each disk, in clusters
 * @param numbers place of each step in the whole history of that seed
 */
record History(
    long seed,
    Set<Fragment> fragments,
    List<Integer> diskClusters,
    List<Integer> numbers,
    List<Step> steps) {
  private static final int FEWEST_FRAGMENTS = 8;
  private static final int MOST_FRAGMENTS = 30;

  /** The history of a seed, made of some kinds of fragments. */
  static History of(long seed, Set<Fragment> fragments) {
    Random random = new Random(seed);
    List<Integer> disks =
        IntStream.range(0, 1 + random.nextInt(2)).mapToObj(_ -> 16 + random.nextInt(49)).toList();
    List<Step> steps = new ArrayList<>();
    if (random.nextInt(4) > 0) {
      steps.addAll(Fragment.MAKE_AND_COPY.steps(random));
    }
    int length = random.nextInt(FEWEST_FRAGMENTS, MOST_FRAGMENTS);
    for (int i = 0; i < length; i++) {
      steps.addAll(pick(random, fragments).steps(random));
    }
    steps.add(new CheckpointSteps.Check());
    return new History(
        seed,
        fragments,
        disks,
        IntStream.range(0, steps.size()).boxed().toList(),
        List.copyOf(steps));
  }

  /** A history that somebody has written. */
  static History of(List<Step> steps) {
    return new History(
        0, Set.of(), List.of(32, 16), IntStream.range(0, steps.size()).boxed().toList(), steps);
  }

  private static Fragment pick(Random random, Set<Fragment> fragments) {
    int ticket = random.nextInt(fragments.stream().mapToInt(Fragment::weight).sum());
    for (Fragment fragment : fragments) {
      ticket -= fragment.weight();
      if (ticket < 0) {
        return fragment;
      }
    }
    throw new AssertionError("no fragment for the ticket");
  }

  /** Only the steps with these numbers; the last one of all is always kept. */
  History only(Set<Integer> kept) {
    List<Integer> places =
        IntStream.range(0, steps.size())
            .filter(i -> kept.contains(numbers.get(i)) || i == steps.size() - 1)
            .boxed()
            .toList();
    return new History(
        seed,
        fragments,
        diskClusters,
        places.stream().map(numbers::get).toList(),
        places.stream().map(steps::get).toList());
  }

  /** How this history is run again. */
  String replay() {
    return "-Dproof.seed=%d -Dproof.histories=1 -Dproof.fragments=%s -Dproof.steps=%s"
        .formatted(seed, list(fragments), list(numbers));
  }

  private static String list(Collection<?> words) {
    return words.stream().map(Object::toString).collect(Collectors.joining(","));
  }

  @Override
  public String toString() {
    return "disks of %s clusters\n".formatted(diskClusters)
        + IntStream.range(0, steps.size())
            .mapToObj(i -> "%4d  %s".formatted(numbers.get(i), steps.get(i)))
            .collect(Collectors.joining("\n"));
  }
}
