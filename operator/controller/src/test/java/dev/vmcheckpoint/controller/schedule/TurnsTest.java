package dev.vmcheckpoint.controller.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class TurnsTest {
  private final Turns turns = new Turns(3, Aside.NONE);
  private final CountDownLatch end = new CountDownLatch(1);
  private final AtomicInteger working = new AtomicInteger();
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

  @AfterEach
  void endWork() {
    end.countDown();
    threads.close();
  }

  @Test
  void fewAreAtWorkOnOneSubject() {
    occupy("busy", 20);

    await()
        .during(Duration.ofMillis(200))
        .atMost(Duration.ofSeconds(10))
        .until(() -> working.get() == 3);
  }

  @Test
  void thoseWhoWaitComeInTheirTurn() {
    occupy("busy", 20);
    await().until(() -> working.get() == 3);

    end.countDown();

    await().until(() -> working.get() == 20);
  }

  @Test
  void anotherSubjectIsNotHeldUp() throws Exception {
    occupy("busy", 20);
    await().until(() -> working.get() == 3);

    Future<String> other = threads.submit(() -> turns.take("quiet", () -> "done"));

    assertThat(other.get(10, TimeUnit.SECONDS)).isEqualTo("done");
  }

  @Test
  void workThatFailsGivesItsPlaceBack() {
    for (int i = 0; i < 10; i++) {
      assertThatThrownBy(
              () ->
                  turns.take(
                      "failing",
                      () -> {
                        throw new IllegalArgumentException("no");
                      }))
          .isInstanceOf(IllegalArgumentException.class);
    }

    assertThat(turns.take("failing", () -> "done")).isEqualTo("done");
  }

  @Test
  void whoIsInterruptedDoesNothing() {
    Thread.currentThread().interrupt();

    assertThatThrownBy(() -> turns.take("machine", working::incrementAndGet))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("a turn on machine");
    assertThat(Thread.interrupted()).isTrue();
    assertThat(working).hasValue(0);
  }

  @Test
  void whoDoesNotWaitWorksOnlyIfThereIsAPlace() {
    assertThat(turns.tryTake("busy", () -> "done")).contains("done");
    occupy("busy", 3);
    await().until(() -> working.get() == 3);

    assertThat(turns.tryTake("busy", working::incrementAndGet)).isEmpty();
    assertThat(working).hasValue(3);
  }

  @Test
  void aSubjectIsForgottenWhenNobodyIsLeft() {
    occupy("busy", 20);
    await().until(() -> working.get() == 3);
    assertThat(turns.size()).isEqualTo(1);

    end.countDown();

    await().until(() -> turns.size() == 0);
  }

  private void occupy(String subject, int threadCount) {
    for (int i = 0; i < threadCount; i++) {
      Future<?> _ =
          threads.submit(
              () ->
                  turns.take(
                      subject,
                      () -> {
                        working.incrementAndGet();
                        awaitEnd();
                        return subject;
                      }));
    }
  }

  private void awaitEnd() {
    try {
      end.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
