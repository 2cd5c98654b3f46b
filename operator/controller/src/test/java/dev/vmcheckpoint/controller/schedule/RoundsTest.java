package dev.vmcheckpoint.controller.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class RoundsTest {
  private final AtomicInteger rounds = new AtomicInteger();
  private final AtomicInteger tasks = new AtomicInteger();
  private final CountDownLatch never = new CountDownLatch(1);
  private volatile Consumer<Rounds> inEachRound = _ -> {};
  private final Rounds tested = new Rounds("test", Duration.ofMillis(1), this::round);

  private void round() {
    rounds.incrementAndGet();
    inEachRound.accept(tested);
  }

  @AfterEach
  void close() {
    tested.close();
  }

  @Test
  void oneRoundFollowsAnother() {
    tested.start();

    awaitFurtherRounds();
  }

  @Test
  void aTaskThatHasNotEndedIsNotBegunAgain() {
    inEachRound = rounds -> rounds.begin("hung", () -> waitFor(never));
    tested.start();

    awaitFurtherRounds();

    assertThat(tasks).hasValue(1);
  }

  @Test
  void itHoldsUpNoOther() {
    inEachRound =
        rounds -> {
          rounds.begin("hung", () -> waitFor(never));
          rounds.begin("other", tasks::incrementAndGet);
        };

    tested.start();

    await().until(() -> tasks.get() > 5);
  }

  @Test
  void aTaskThatFailedIsBegunAgain() {
    inEachRound = rounds -> rounds.begin("bad", () -> fail(tasks));

    tested.start();

    await().until(() -> tasks.get() > 5);
  }

  @Test
  void aRoundThatFailedIsFollowedByAnother() {
    inEachRound = _ -> fail(tasks);

    tested.start();

    awaitFurtherRounds();
  }

  @Test
  void theEndInterruptsWhatIsUnderWayAndNoRoundComesAnyMore() {
    AtomicBoolean interrupted = new AtomicBoolean();
    inEachRound = rounds -> rounds.begin("hung", () -> interrupted.set(waitFor(never)));
    tested.start();
    await().until(() -> tasks.get() == 1);

    tested.close();

    await().untilTrue(interrupted);
    int soFar = rounds.get();
    await().during(Duration.ofMillis(50)).until(() -> rounds.get() <= soFar + 1);
  }

  private void awaitFurtherRounds() {
    int soFar = rounds.get();
    await().until(() -> rounds.get() > soFar + 5);
  }

  /** Returns whether it was interrupted. */
  private boolean waitFor(CountDownLatch latch) {
    tasks.incrementAndGet();
    try {
      latch.await();
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return true;
    }
  }

  private static void fail(AtomicInteger count) {
    count.incrementAndGet();
    throw new IllegalStateException("this one fails");
  }
}
