package dev.vmcheckpoint.controller.nodes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.vmcheckpoint.controller.schedule.Aside;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class InFlightLimitsTest {
  private final InFlightLimits limits = new InFlightLimits(Aside.NONE);
  private final CountDownLatch end = new CountDownLatch(1);
  private final AtomicInteger hanging = new AtomicInteger();
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

  @AfterEach
  void endCalls() {
    end.countDown();
    threads.close();
  }

  @Test
  void aNamespaceHasFewCallsUnderWayOnOneNode() {
    hang(20, "tenant", "hung");

    await()
        .during(Duration.ofMillis(200))
        .atMost(Duration.ofSeconds(10))
        .until(() -> hanging.get() == 8);
  }

  @Test
  void aNodeThatHangsLeavesTheNamespacePlacesOnOthers() throws Exception {
    hang(100, "tenant", "hung");
    await().until(() -> hanging.get() == 8);

    assertThat(call("tenant", "healthy").get(10, TimeUnit.SECONDS)).isEqualTo("answer");
  }

  @Test
  void aNamespaceThatFloodsANodeLeavesPlacesThereToOthers() throws Exception {
    hang(100, "flooding", "node");
    await().until(() -> hanging.get() == 8);

    assertThat(call("quiet", "node").get(10, TimeUnit.SECONDS)).isEqualTo("answer");
  }

  @Test
  void namespacesThatFillANodeLeaveAPlaceThereToEachOfSomeOthers() throws Exception {
    for (int tenant = 0; tenant < 8; tenant++) {
      hang(100, "flooding-" + tenant, "node");
    }
    await()
        .during(Duration.ofMillis(200))
        .atMost(Duration.ofSeconds(10))
        .until(() -> hanging.get() == 32 + 8);

    assertThat(call("quiet", "node").get(10, TimeUnit.SECONDS)).isEqualTo("answer");
  }

  @Test
  void aSidecarIsNotCalledMoreOftenAtOnceThanItTakesHoweverManyNamespacesThereAre() {
    for (int tenant = 0; tenant < 100; tenant++) {
      hang(8, "tenant-" + tenant, "node");
    }

    await()
        .during(Duration.ofMillis(200))
        .atMost(Duration.ofSeconds(10))
        .until(() -> hanging.get() == 32 + 24);
  }

  @Test
  void aCallThatFailsGivesItsPlaceBack() {
    for (int i = 0; i < 100; i++) {
      assertThatThrownBy(
              () ->
                  limits.call(
                      "tenant",
                      "node",
                      () -> {
                        throw new IllegalStateException("failed");
                      }))
          .hasMessage("failed");
    }
  }

  private void hang(int calls, String namespace, String node) {
    for (int i = 0; i < calls; i++) {
      threads.execute(
          () ->
              limits.call(
                  namespace,
                  node,
                  () -> {
                    hanging.incrementAndGet();
                    return awaitEnd();
                  }));
    }
  }

  private Future<String> call(String namespace, String node) {
    return threads.submit(() -> limits.call(namespace, node, () -> "answer"));
  }

  private boolean awaitEnd() {
    try {
      end.await();
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
