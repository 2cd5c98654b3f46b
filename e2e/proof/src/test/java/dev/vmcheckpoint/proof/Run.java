package dev.vmcheckpoint.proof;

import static java.util.Map.entry;

import dev.vmcheckpoint.proof.Histories.Failure;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * A run of random histories. Without properties it is a short one, and always of the same seed, so
 * that a change is not held up by what another one brought; long runs draw theirs.
 *
 * @param seed of the first history; each further one has the next number
 * @param histories how many; none for a short run
 * @param steps the only steps of each history that are taken; empty for all
 * @param fragments what histories are made of
 */
record Run(long seed, Optional<Integer> histories, Set<Integer> steps, Set<Fragment> fragments) {
  /** A short run goes on at least so long, and until all {@link #WANTED} was reached. */
  private static final Duration SHORT = Duration.ofSeconds(60);

  private static final long SHORT_SEED = 1;

  private static final Duration LONGEST_SHORT = Duration.ofMinutes(10);

  /** So many histories reach everything that is wanted. */
  private static final int ENOUGH = 100;

  /** Without these a run has proved little; and what leads to each. */
  private static final Map<String, Fragment> WANTED =
      Map.ofEntries(
          entry("restore exact", Fragment.WRITE),
          entry("restore exact after a restart", Fragment.RESTART),
          entry("restore exact after a commit", Fragment.OVERLAY_AND_COMMIT),
          entry("restore exact after a move", Fragment.MOVE),
          entry("restore exact on a carried overlay", Fragment.CARRIED_OVERLAY),
          entry("base copy FILE", Fragment.COPY),
          entry("base copy JOB", Fragment.COPY),
          entry("base copy NBD", Fragment.COPY),
          entry("base copy over several steps", Fragment.LONG_COPY),
          entry("base copy over several steps, discarded", Fragment.LONG_COPY),
          entry("disk Lost, BitmapInconsistent", Fragment.KILL),
          entry("disk Lost, BitmapMissing", Fragment.KILL),
          entry("disk Lost, BitmapNotRecording", Fragment.DISABLE),
          entry("disk Lost, RolledBack", Fragment.SAVE_AND_REVERT),
          entry("disk Lost, Shrunk", Fragment.SHRINK),
          entry("disk Unknown, Busy", Fragment.BACKUP),
          entry("disk Unknown, Detached", Fragment.UNPLUG),
          entry("disk Unknown, DiskReplaced", Fragment.SWAP_AND_BACK),
          entry("disk Unknown, OverlayOnTop", Fragment.OVERLAY),
          entry("disk Unknown, VirtualMachineNotFound", Fragment.STOP),
          entry("migration", Fragment.MIGRATE),
          entry("step BeginServer", Fragment.FOREIGN_SERVER),
          entry("step Crash", Fragment.CRASH),
          entry("step Delete", Fragment.DELETE),
          entry("step ForeignBitmap", Fragment.FOREIGN_BITMAP),
          entry("step Grow", Fragment.GROW),
          entry("step LateCreation", Fragment.LATE_CREATION),
          entry("step Mirror", Fragment.MIRROR),
          entry("step OfflineCommit", Fragment.OFFLINE),
          entry("step Replug", Fragment.UNPLUG),
          entry("step Reset", Fragment.RESET),
          entry("step SaveInUse", Fragment.SAVE_IN_USE_AND_REVERT),
          entry("step Stream", Fragment.STREAM),
          entry("step ThrowAwayTop", Fragment.OFFLINE));

  /** Together with these a fragment leads to what it is for. */
  private static final Set<Fragment> FEW =
      EnumSet.of(Fragment.WRITE, Fragment.MAKE_AND_COPY, Fragment.RESTART, Fragment.CHECK);

  /** The run that the system properties {@code proof.*} ask for. */
  static Run fromProperties() {
    Optional<Integer> histories = Optional.ofNullable(Integer.getInteger("proof.histories"));
    return new Run(
        Long.getLong("proof.seed", histories.isEmpty() ? SHORT_SEED : System.nanoTime()),
        histories,
        words("proof.steps").stream().map(Integer::valueOf).collect(Collectors.toSet()),
        fragmentsFromProperties());
  }

  private static Set<Fragment> fragmentsFromProperties() {
    List<String> names = words("proof.fragments");
    return names.isEmpty()
        ? EnumSet.allOf(Fragment.class)
        : EnumSet.copyOf(names.stream().map(Fragment::valueOf).toList());
  }

  private static List<String> words(String property) {
    return Arrays.stream(System.getProperty(property, "").split(","))
        .filter(word -> !word.isBlank())
        .toList();
  }

  /** Runs the histories; fails at the first that does, or where too little was reached. */
  void take(Histories runner, Tally tally) {
    Instant start = Instant.now();
    System.out.printf("PROOF seed %d%n", seed);
    try {
      for (int i = 0; !isDone(i, Duration.between(start, Instant.now()), tally); i++) {
        boolean late = Duration.between(start, Instant.now()).compareTo(SHORT) > 0;
        Set<Fragment> some = histories.isEmpty() && late ? leadingTo(missing(tally)) : fragments;
        runner.run(history(seed + i, some)).ifPresent(failure -> report(shortest(runner, failure)));
      }
    } finally {
      System.out.printf("PROOF seed %d%n%s%n", seed, tally);
    }
    if (isWhole() && !missing(tally).isEmpty()) {
      throw new AssertionError("never reached: " + missing(tally));
    }
  }

  /** Few fragments, so that what was not reached by chance is reached soon. */
  private static Set<Fragment> leadingTo(List<String> missing) {
    Set<Fragment> some = EnumSet.copyOf(FEW);
    WANTED.forEach(
        (state, fragment) -> {
          if (missing.contains(state)) {
            some.add(fragment);
          }
        });
    return some;
  }

  private History history(long number, Set<Fragment> some) {
    History whole = History.of(number, some);
    return steps.isEmpty() ? whole : whole.only(steps);
  }

  private boolean isDone(int ran, Duration since, Tally tally) {
    return histories
        .map(wanted -> ran >= wanted)
        .orElseGet(
            () ->
                since.compareTo(LONGEST_SHORT) > 0
                    || (since.compareTo(SHORT) > 0 && missing(tally).isEmpty()));
  }

  /** Whether it is long enough, and free, to reach everything. */
  private boolean isWhole() {
    return histories.orElse(ENOUGH) >= ENOUGH
        && steps.isEmpty()
        && fragments.containsAll(EnumSet.allOf(Fragment.class));
  }

  private static List<String> missing(Tally tally) {
    List<String> missing = new ArrayList<>(WANTED.keySet());
    missing.removeIf(wanted -> tally.of(wanted) > 0);
    return missing;
  }

  /** Says at once what has failed, as it takes minutes to find the shortest history that does. */
  private static Failure shortest(Histories runner, Failure failure) {
    System.out.printf(
        "PROOF seed %d has failed: %s%n", failure.history().seed(), failure.cause().getMessage());
    return runner.shrink(failure);
  }

  private static void report(Failure failure) {
    throw new AssertionError(
        "%s%n%s%nreplay with %s"
            .formatted(failure.cause().getMessage(), failure.history(), failure.history().replay()),
        failure.cause());
  }
}
