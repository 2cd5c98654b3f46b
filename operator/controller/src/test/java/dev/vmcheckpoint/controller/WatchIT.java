package dev.vmcheckpoint.controller;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.api.Condition.Status;
import dev.vmcheckpoint.api.ConditionType;
import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.api.WellKnown;
import dev.vmcheckpoint.controller.fixture.FakeMachine;
import dev.vmcheckpoint.controller.fixture.FakeSidecar;
import dev.vmcheckpoint.controller.fixture.HoldableExecutor;
import dev.vmcheckpoint.controller.fixture.Relay;
import dev.vmcheckpoint.controller.fixture.TestCheckpoint;
import dev.vmcheckpoint.controller.fixture.TestCluster;
import dev.vmcheckpoint.node.NodeApiException;
import io.fabric8.kubernetes.client.Config;
import java.io.IOException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What the operator knows of the cluster, when the API server's word does not reach it. */
final class WatchIT {
  @RegisterExtension static final TestCluster CLUSTER = new TestCluster();

  private static final String MACHINES = "pods labelled " + WellKnown.VIRTUAL_MACHINE_LABEL;

  @Test
  void aConnectionThatEndsWhileAnEventIsTakenInCostsNoLaterEvent() throws Exception {
    CLUSTER.startSidecar();
    CLUSTER.startMachine("db-0", "vda");
    Config config = CLUSTER.operatorConfig();
    HoldableExecutor executor = new HoldableExecutor();
    try (Relay relay = Relay.before(config);
        OperatorProcess _ = OperatorProcess.start(CLUSTER, config, executor)) {
      executor.hold();
      TestCheckpoint before = CLUSTER.apply("before", "db-0");
      TestCluster.awaitThat("an event that is taken in", executor::isHolding);

      relay.cut();

      executor.release();
      before.whenReady();
      CLUSTER.apply("after", "db-0").whenReady();
    }
  }

  @Test
  void aConnectionThatGoesSilentIsGivenUp() throws Exception {
    CLUSTER.startSidecar();
    CLUSTER.startMachine("db-0", "vda");
    Config config = CLUSTER.operatorConfig();
    config.setWebsocketPingInterval(1_000L);
    try (Relay relay = Relay.before(config);
        OperatorProcess _ = OperatorProcess.start(CLUSTER, config)) {
      CLUSTER.apply("before", "db-0").whenReady();

      relay.silence();

      CLUSTER.apply("after", "db-0").whenReady();
    }
  }

  @Test
  void aResourceThatIsGoneWithoutTheCacheKnowingGetsNoBitmaps() {
    FakeSidecar sidecar = CLUSTER.startSidecar();
    FakeMachine machine = CLUSTER.startMachine("db-0", "vda");
    sidecar.beforeObserve(WatchIT::noAnswer);
    HoldableExecutor executor = new HoldableExecutor();
    try (OperatorProcess _ = OperatorProcess.start(CLUSTER, CLUSTER.operatorConfig(), executor)) {
      TestCheckpoint checkpoint =
          CLUSTER
              .apply("stale", "db-0")
              .when(ConditionType.Ready, Status.False, Reason.SidecarUnreachable);
      String uid = checkpoint.uid();
      executor.hold();
      checkpoint.delete();
      checkpoint.forceFinalizersAway();
      checkpoint.whenGone();

      sidecar.heal();

      int looks = sidecar.looks();
      TestCluster.awaitThat("four looks for it", () -> sidecar.looks() >= looks + 4);
      assertThat(sidecar.creations()).isZero();
      assertThat(machine.bitmapsOf(uid, "vda")).isEmpty();
    }
  }

  private static void noAnswer() {
    throw new NodeApiException.NoAnswer("no answer", new IOException());
  }

  @ParameterizedTest
  @MethodSource("changes")
  void aWatchThatTellsNothingIsNoticed(String what, Runnable change) {
    CLUSTER.startSidecar();
    CLUSTER.startMachine("db-0", "vda");
    HoldableExecutor executor = new HoldableExecutor();
    try (OperatorProcess operator =
        OperatorProcess.start(CLUSTER, CLUSTER.operatorConfig(), executor)) {
      executor.hold();

      change.run();

      TestCluster.awaitThat(
          "an alarm about " + what,
          () -> operator.alarms().stream().anyMatch(alarm -> alarm.contains(what + " is silent")));
    }
  }

  static Stream<Arguments> changes() {
    return Stream.of(
        change("checkpoints", () -> CLUSTER.apply("made", "db-0")),
        change(MACHINES, () -> CLUSTER.startMachine("db-1", "vda")),
        change(MACHINES, () -> CLUSTER.deletePod("db-0")),
        change("pods of sidecars", () -> CLUSTER.startSidecar("another-" + CLUSTER.node())));
  }

  private static Arguments change(String what, Runnable change) {
    return Arguments.of(what, change);
  }
}
