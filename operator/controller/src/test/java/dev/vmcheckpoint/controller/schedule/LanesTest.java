package dev.vmcheckpoint.controller.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class LanesTest {
  private static final int AT_ONCE = 4;
  private static final Duration QUICK = Duration.ofSeconds(2);

  private final AtomicLong time = new AtomicLong();
  private final CountDownLatch never = new CountDownLatch(1);
  private final AtomicInteger hanging = new AtomicInteger();
  private final AtomicInteger most = new AtomicInteger();
  private final AtomicInteger done = new AtomicInteger();
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final Lanes tested = new Lanes(AT_ONCE, QUICK, time::get);

  @AfterEach
  void stop() {
    threads.shutdownNow();
    // Else what they throw when they are interrupted is taken for a failure of the next test.
    threads.close();
  }

  @Test
  void soManyWorkAtOnceAndTheOthersAfterThem() {
    CountDownLatch go = new CountDownLatch(1);
    IntStream.range(0, 100)
        .forEach(i -> threads.execute(() -> tested.run("node-" + i, () -> hang(go))));
    await().until(() -> hanging.get() == AT_ONCE);

    go.countDown();

    await().until(() -> done.get() == 100);
    assertThat(most).hasValue(AT_ONCE);
  }

  @Test
  void whoeverTookLongHoldsUpNobodyWhoIsQuick() {
    IntStream.range(0, 8).forEach(i -> tested.run("hung-" + i, () -> takes(QUICK.plusMillis(1))));
    IntStream.range(0, 8)
        .forEach(i -> threads.execute(() -> tested.run("hung-" + i, () -> hang(never))));
    await().until(() -> hanging.get() == AT_ONCE);

    IntStream.range(0, 92).forEach(i -> tested.run("node-" + i, () -> takes(QUICK)));

    assertThat(done).hasValue(8 + 92);
  }

  @Test
  void whoeverIsQuickAgainIsHeldUpByTheSlowNoMore() {
    tested.run("healed", () -> takes(QUICK.plusMillis(1)));
    tested.run("healed", () -> takes(QUICK));
    IntStream.range(0, AT_ONCE)
        .forEach(i -> tested.run("hung-" + i, () -> takes(QUICK.plusMillis(1))));
    IntStream.range(0, AT_ONCE)
        .forEach(i -> threads.execute(() -> tested.run("hung-" + i, () -> hang(never))));
    await().until(() -> hanging.get() == AT_ONCE);

    tested.run("healed", () -> takes(QUICK));

    assertThat(done).hasValue(3 + AT_ONCE);
  }

  @Test
  void whoeverFailsGivesHisPlaceBack() {
    IntStream.range(0, AT_ONCE)
        .forEach(
            i ->
                assertThatThrownBy(() -> tested.run("bad-" + i, LanesTest::fail))
                    .isInstanceOf(IllegalStateException.class));

    tested.run("node", () -> takes(QUICK));

    assertThat(done).hasValue(1);
  }

  private void takes(Duration duration) {
    time.addAndGet(duration.toNanos());
    done.incrementAndGet();
  }

  private void hang(CountDownLatch until) {
    most.accumulateAndGet(hanging.incrementAndGet(), Math::max);
    try {
      until.await();
      done.incrementAndGet();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      hanging.decrementAndGet();
    }
  }

  private static void fail() {
    throw new IllegalStateException("this one fails");
  }
}
