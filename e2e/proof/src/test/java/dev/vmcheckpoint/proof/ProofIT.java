package dev.vmcheckpoint.proof;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import dev.vmcheckpoint.api.fixture.ApiServer;
import dev.vmcheckpoint.proof.fixture.TheSystem;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Random histories after which a restore has to be exact. */
final class ProofIT {
  @RegisterExtension static final ApiServer API_SERVER = new ApiServer();

  private static final Duration SHORT_RUN = Duration.ofSeconds(60);
  private static Optional<TheSystem> system = Optional.empty();

  @BeforeAll
  static void startSystem() {
    system = Optional.of(TheSystem.start(API_SERVER, Path.of("target", "proof")));
  }

  @AfterAll
  static void stopSystem() {
    system.ifPresent(TheSystem::close);
  }

  @Test
  void whateverHappensEveryRestoreIsExact() {
    Tally tally = new Tally();
    Histories histories = new Histories(system.orElseThrow(), tally);
    Set<Fragment> fragments = fragments();
    long seed = Long.getLong("proof.seed", System.nanoTime());
    int count = Integer.getInteger("proof.histories", Integer.MAX_VALUE);
    Instant end = Instant.now().plus(SHORT_RUN);
    boolean bounded = count != Integer.MAX_VALUE;
    System.out.printf("PROOF seed %d%n", seed);
    try {
      for (int i = 0; i < count && (bounded || Instant.now().isBefore(end)); i++) {
        History history = History.of(seed + i, fragments);
        String steps = System.getProperty("proof.steps", "");
        if (!steps.isEmpty()) {
          history = history.only(History.numbers(steps));
        }
        histories.run(history).ifPresent(failure -> report(histories.shrink(failure)));
      }
    } finally {
      System.out.printf("PROOF%n%s%n", tally);
    }
    assertThat(tally.of("restore exact")).isPositive();
  }

  /** Those that the property names, or all. */
  private static Set<Fragment> fragments() {
    String names = System.getProperty("proof.fragments", "");
    return names.isEmpty()
        ? EnumSet.allOf(Fragment.class)
        : Arrays.stream(names.split(","))
            .map(Fragment::valueOf)
            .collect(Collectors.toCollection(() -> EnumSet.noneOf(Fragment.class)));
  }

  private static void report(Histories.Failure failure) {
    fail("%s%n%s%nreplay with %s", failure.cause(), failure.history(), failure.history().replay());
  }
}
