package dev.vmcheckpoint.controller;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.vmcheckpoint.controller.fixture.FakeSidecar;
import dev.vmcheckpoint.controller.fixture.TestCheckpoint;
import dev.vmcheckpoint.controller.fixture.TestCluster;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The poll of all nodes with machines that have checkpoints. */
final class NodePollIT extends WithOperator {
  private static final int NODES = 9;
  private static final int AT_ONCE = 4;

  private final CountDownLatch answer = new CountDownLatch(1);
  private final AtomicInteger asked = new AtomicInteger();

  @Test
  void aFewNodesAreAskedAtOnceAndTheOthersAfterThem() {
    List<FakeSidecar> sidecars = IntStream.range(0, NODES).mapToObj(this::startNode).toList();
    awaitRoundsOf(sidecars);
    sidecars.forEach(sidecar -> sidecar.beforeObserve(this::hang));

    TestCluster.awaitThat("as many asked as may be", () -> asked.get() == AT_ONCE);
    await()
        .during(OperatorProcess.POLL_INTERVAL.multipliedBy(3))
        .until(() -> asked.get() == AT_ONCE);
    sidecars.forEach(FakeSidecar::heal);
    answer.countDown();

    awaitRoundsOf(sidecars);
    assertThat(asked).hasValue(AT_ONCE);
  }

  /** With a machine and a checkpoint of it. */
  private FakeSidecar startNode(int number) {
    String node = "%s-%d".formatted(cluster.node(), number);
    String machine = "db-" + number;
    FakeSidecar sidecar = cluster.startSidecar(node);
    cluster.startMachineOn(node, machine, machine, "vda");
    TestCheckpoint _ = cluster.apply("of-" + machine, machine).whenReady();
    return sidecar;
  }

  private static void awaitRoundsOf(List<FakeSidecar> sidecars) {
    List<Integer> before = sidecars.stream().map(FakeSidecar::looks).toList();
    TestCluster.awaitThat(
        "three looks at each node",
        () ->
            IntStream.range(0, sidecars.size())
                .allMatch(i -> sidecars.get(i).looks() >= before.get(i) + 3));
  }

  private void hang() {
    asked.incrementAndGet();
    try {
      answer.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
