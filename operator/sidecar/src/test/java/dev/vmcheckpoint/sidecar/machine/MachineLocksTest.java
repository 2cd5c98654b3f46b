package dev.vmcheckpoint.sidecar.machine;

import static dev.vmcheckpoint.sidecar.fixture.Failures.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.node.ErrorCode;
import dev.vmcheckpoint.node.PodUid;
import dev.vmcheckpoint.qmp.Deadline;
import dev.vmcheckpoint.sidecar.fixture.Threads;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** One call at a time on each machine. */
@Timeout(20)
final class MachineLocksTest {
  private static final PodUid VM = new PodUid("a1");
  private static final PodUid OTHER = new PodUid("b2");
  private static final Deadline NOW = Deadline.after(Duration.ZERO);

  private final MachineLocks locks = new MachineLocks();

  private static Deadline far() {
    return Deadline.after(Duration.ofMinutes(1));
  }

  /** A call on another thread that ends as soon as it has its turn. */
  private CompletableFuture<Boolean> call(PodUid machine, Deadline deadline) {
    return Threads.start(
        () -> {
          try (MachineLocks.Held _ = locks.acquire(machine, deadline)) {
            return true;
          }
        });
  }

  @Test
  void aMachineThatNobodyTalksToIsHadAtOnce() {
    try (MachineLocks.Held held = locks.acquire(VM, NOW)) {
      assertThat(held).isNotNull();
    }
  }

  @Test
  void theNextCallWaitsForTheEndOfTheFirst() throws Exception {
    MachineLocks.Held first = locks.acquire(VM, far());
    CompletableFuture<Boolean> second = call(VM, far());
    Awaitility.await().until(() -> locks.waiting(VM) == 1);
    assertThat(second).isNotDone();

    first.close();

    second.get(10, TimeUnit.SECONDS);
  }

  @Test
  void aCallOnAnotherMachineDoesNotWait() throws Exception {
    try (MachineLocks.Held _ = locks.acquire(VM, far())) {
      call(OTHER, far()).get(10, TimeUnit.SECONDS);
    }
  }

  @Test
  void theWaitEndsWithTheDeadline() throws Exception {
    try (MachineLocks.Held _ = locks.acquire(VM, far())) {
      CompletableFuture<Boolean> second = call(VM, Deadline.after(Duration.ofMillis(50)));

      assertThat(assertRefused(ErrorCode.DeadlineExceeded, () -> Threads.result(second)).detail())
          .isEqualTo("another call on machine a1 did not end before the deadline");
    }
  }

  @Test
  void nothingIsKeptOfAMachineThatNobodyTalksTo() throws Exception {
    try (MachineLocks.Held _ = locks.acquire(VM, far())) {
      CompletableFuture<Boolean> late = call(VM, Deadline.after(Duration.ofMillis(50)));
      Awaitility.await().until(late::isDone);
    }

    assertThat(locks.isEmpty()).isTrue();
  }
}
