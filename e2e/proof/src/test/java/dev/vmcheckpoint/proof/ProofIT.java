package dev.vmcheckpoint.proof;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.proof.Histories.Failure;
import dev.vmcheckpoint.proof.fixture.RunningSystem;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.MethodOrderer.OrderAnnotation;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Whether checkpoints can be relied on, whatever happens; and whether that would be noticed. */
@TestMethodOrder(OrderAnnotation.class)
final class ProofIT {
  @RegisterExtension static final RunningSystem SYSTEM = new RunningSystem();

  private final Tally tally = new Tally();

  private Histories histories() {
    return new Histories(SYSTEM.get(), tally);
  }

  @Test
  @Order(1)
  void aWriteThatTheGuestDoesNotFlushIsInNoCopyOfTheFile() {
    assertThat(histories().run(History.of(List.of(new BarrierStep())))).isEmpty();
  }

  @ParameterizedTest
  @EnumSource
  @Order(2)
  void aWholeSystemPassesWhatABrokenOneDoesNot(Mutation mutation) {
    assertThat(histories().run(mutation.history(), Faults.none())).isEmpty();
  }

  @ParameterizedTest
  @EnumSource
  @Order(3)
  void aBrokenSystemIsNoticed(Mutation mutation) {
    Optional<Failure> failure = histories().run(mutation.history(), mutation.fault());

    assertThat(failure).isPresent();
    System.out.printf("PROOF %s is noticed: %s%n", mutation, failure.get().cause().getMessage());
    assertThat(failure.get().cause()).hasMessageMatching(mutation.noticedAs());
  }

  @Test
  @Order(4)
  void whateverHappensEveryRestoreIsExact() {
    Run.fromProperties().take(histories(), tally);
  }
}
