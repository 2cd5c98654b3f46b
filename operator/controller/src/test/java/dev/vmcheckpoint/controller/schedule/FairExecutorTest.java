package dev.vmcheckpoint.controller.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class FairExecutorTest {
  private final FairExecutor executor = new FairExecutor(10, 4);
  private final CountDownLatch end = new CountDownLatch(1);
  private final ConcurrentHashMap<String, AtomicInteger> begun = new ConcurrentHashMap<>();

  @AfterEach
  void endTasks() {
    end.countDown();
    executor.close();
  }

  @Test
  void fewOfANamespacesTasksRunAtOnce() {
    handOver("flooding", 1000);

    awaitBegun("flooding", 4);
  }

  @Test
  void thoseThatWaitRunInTheEnd() {
    handOver("flooding", 1000);
    awaitBegun("flooding", 4);

    end.countDown();

    await().until(() -> begun("flooding") == 1000);
  }

  @Test
  void aNamespaceThatFloodsHoldsUpNoOther() {
    handOver("flooding", 1000);
    awaitBegun("flooding", 4);

    handOver("quiet", 1);

    await().until(() -> begun("quiet") == 1);
  }

  @Test
  void onlySoManyRunInAll() {
    List.of("one", "two", "three", "four").forEach(namespace -> handOver(namespace, 100));

    await()
        .during(Duration.ofMillis(200))
        .atMost(Duration.ofSeconds(10))
        .until(() -> begun.values().stream().mapToInt(AtomicInteger::get).sum() == 10);
  }

  @Test
  void tasksThatWaitAsideHoldUpNoneOfTheirNamespace() {
    for (int i = 0; i < 40; i++) {
      executor.announce("partly-hung");
      executor.execute(() -> executor.aside(this::hang));
    }
    await().until(() -> begun("aside") == 40);

    handOver("partly-hung", 1);

    await().until(() -> begun("partly-hung") == 1);
  }

  private boolean hang() {
    begun.computeIfAbsent("aside", _ -> new AtomicInteger()).incrementAndGet();
    awaitEnd();
    return true;
  }

  @Test
  void whoeverComesBackFromAsideCountsAgain() {
    CountDownLatch back = new CountDownLatch(1);
    for (int i = 0; i < 4; i++) {
      executor.announce("busy");
      executor.execute(
          () -> {
            executor.aside(() -> true);
            back.countDown();
            awaitEnd();
          });
    }
    await().until(() -> back.getCount() == 0);

    handOver("busy", 10);

    await()
        .during(Duration.ofMillis(200))
        .atMost(Duration.ofSeconds(10))
        .until(() -> begun("busy") <= 3);
  }

  @Test
  void whoRunsElsewhereWaitsAsEver() {
    assertThat(executor.<String>aside(() -> "answer")).isEqualTo("answer");
  }

  @Test
  void aTaskThatFailsGivesItsPlaceBack() {
    for (int i = 0; i < 20; i++) {
      executor.announce("failing");
      Future<?> _ =
          executor.submit(
              () -> {
                throw new IllegalArgumentException("no");
              });
    }

    handOver("failing", 1);

    await().until(() -> begun("failing") == 1);
  }

  @Test
  void aTaskOfNobodyRunsToo() {
    executor.execute(end::countDown);

    await().until(() -> end.getCount() == 0);
  }

  @Test
  void aNamespaceIsForgottenWhenItsTasksHaveEnded() {
    handOver("busy", 10);
    awaitBegun("busy", 4);
    assertThat(executor.size()).isEqualTo(1);

    end.countDown();

    await().until(() -> executor.size() == 0);
  }

  @Test
  void afterTheShutdownWhatRunsEndsAndNothingBegins() throws Exception {
    handOver("busy", 10);
    awaitBegun("busy", 4);

    executor.shutdown();

    assertThat(executor.isShutdown()).isTrue();
    assertThat(executor.isTerminated()).isFalse();
    assertThatThrownBy(() -> handOver("busy", 1)).isInstanceOf(RejectedExecutionException.class);
    end.countDown();
    assertThat(executor.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
    assertThat(begun("busy")).isEqualTo(4);
  }

  @Test
  void whatWaitedIsHandedBackByAShutdownAtOnce() {
    handOver("busy", 10);
    awaitBegun("busy", 4);

    assertThat(executor.shutdownNow()).hasSize(6);
  }

  private void handOver(String namespace, int tasks) {
    for (int i = 0; i < tasks; i++) {
      executor.announce(namespace);
      executor.execute(
          () -> {
            begun.computeIfAbsent(namespace, _ -> new AtomicInteger()).incrementAndGet();
            awaitEnd();
          });
    }
  }

  private void awaitEnd() {
    try {
      end.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void awaitBegun(String namespace, int tasks) {
    await()
        .during(Duration.ofMillis(100))
        .atMost(Duration.ofSeconds(10))
        .until(() -> begun(namespace) == tasks);
  }

  private int begun(String namespace) {
    return begun.getOrDefault(namespace, new AtomicInteger()).get();
  }
}
