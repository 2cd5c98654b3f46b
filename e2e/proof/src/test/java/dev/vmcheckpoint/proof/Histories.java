package dev.vmcheckpoint.proof;

import dev.vmcheckpoint.proof.fixture.Fault;
import dev.vmcheckpoint.proof.fixture.TheSystem;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/** Runs histories, and finds the shortest of those that fail. */
final class Histories {
  private static final Duration SHRINKING = Duration.ofMinutes(4);

  private final TheSystem system;
  private final Tally tally;
  private final AtomicInteger machines = new AtomicInteger();

  Histories(TheSystem system, Tally tally) {
    this.system = system;
    this.tally = tally;
  }

  /** A history that failed, and how. */
  record Failure(History history, Throwable cause) {
    /**
     * Whether another one shows the same: a wrong restore must not get lost in a lesser failure.
     */
    boolean isLike(Failure other) {
      return isLie() == other.isLie();
    }

    private boolean isLie() {
      return Stream.iterate(cause, Objects::nonNull, Throwable::getCause)
          .anyMatch(Lie.class::isInstance);
    }
  }

  /** Runs a history. */
  Optional<Failure> run(History history) {
    return run(history, tally, Optional.empty());
  }

  /** Runs a history with a system in which something is wrong. */
  Optional<Failure> run(History history, Fault fault) {
    return run(history, tally, Optional.of(fault));
  }

  private Optional<Failure> run(History history, Tally counts, Optional<Fault> fault) {
    try (World world =
        new World(
            system, counts, "vm-" + machines.incrementAndGet(), history.diskClusters(), fault)) {
      takeAll(history, world, counts);
      counts.count("history");
      return Optional.empty();
    } catch (AssertionError | RuntimeException e) {
      return Optional.of(new Failure(history, e));
    }
  }

  private static void takeAll(History history, World world, Tally counts) {
    for (Step step : history.steps()) {
      try {
        take(step, world, counts);
      } catch (AssertionError | RuntimeException e) {
        throw world
            .machine()
            .crash()
            .map(end -> new AssertionError("QEMU died during %s: %s".formatted(step, end), e))
            .orElseGet(() -> new AssertionError("%s: %s".formatted(step, e.getMessage()), e));
      }
    }
  }

  private static void take(Step step, World world, Tally counts) {
    long start = System.nanoTime();
    if (step.take(world)) {
      String kind = "step " + step.getClass().getSimpleName();
      counts.count(kind);
      counts.time(kind, System.nanoTime() - start);
    }
    world
        .disks()
        .filter(disk -> Expectation.of(world, disk).permitsLoss())
        .forEach(TrackedDisk::setMayHaveBeenLost);
  }

  /** Leaves steps out as long as it still fails in the same way. */
  Failure shrink(Failure failure) {
    Instant end = Instant.now().plus(SHRINKING);
    Failure shortest = failure;
    for (int chunk = failure.history().steps().size() / 2; chunk > 0; chunk /= 2) {
      int from = 0;
      while (from < shortest.history().steps().size() - 1) {
        if (Instant.now().isAfter(end)) {
          return shortest;
        }
        Optional<Failure> shorter =
            run(without(shortest.history(), from, chunk), new Tally(), Optional.empty())
                .filter(failure::isLike);
        if (shorter.isPresent()) {
          shortest = shorter.get();
        } else {
          from += chunk;
        }
      }
    }
    return shortest;
  }

  private static History without(History history, int from, int chunk) {
    Set<Integer> kept = new HashSet<>(history.numbers());
    history
        .numbers()
        .subList(from, Math.min(from + chunk, history.numbers().size()))
        .forEach(kept::remove);
    return history.only(kept);
  }
}
