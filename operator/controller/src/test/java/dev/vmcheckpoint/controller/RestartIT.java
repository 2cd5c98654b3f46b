package dev.vmcheckpoint.controller;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.controller.fixture.FakeMachine;
import dev.vmcheckpoint.controller.fixture.FakeSidecar;
import dev.vmcheckpoint.controller.fixture.SecondApiServer;
import dev.vmcheckpoint.controller.fixture.TestCheckpoint;
import dev.vmcheckpoint.controller.fixture.TestCluster;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The operator, or what it depends on, is restarted in the middle. */
final class RestartIT {
  @RegisterExtension static final TestCluster CLUSTER = new TestCluster();

  @Test
  void anOperatorThatStartsAnewRepeatsNothing() {
    FakeSidecar sidecar = CLUSTER.startSidecar();
    CLUSTER.startMachine("db-0", "vda");
    TestCheckpoint checkpoint;
    try (OperatorProcess first = OperatorProcess.start(CLUSTER)) {
      checkpoint = CLUSTER.apply("kept", "db-0").whenReady();
      checkpoint.whenTold(Reason.Established);
      assertThat(first.term()).isPositive();
    }
    List<String> told = checkpoint.eventReasons();

    try (OperatorProcess second = OperatorProcess.start(CLUSTER)) {
      int looks = sidecar.looks();
      TestCluster.awaitThat("three looks", () -> sidecar.looks() >= looks + 3);

      assertThat(second.calls().writesInto(CLUSTER.namespace())).isZero();
      assertThat(checkpoint.eventReasons()).isEqualTo(told);
      assertThat(sidecar.creations()).isEqualTo(1);
    }
  }

  @Test
  void theNextLeaderHasAGreaterTerm() {
    long term;
    try (OperatorProcess first = OperatorProcess.start(CLUSTER)) {
      term = first.term();
    }

    try (OperatorProcess second = OperatorProcess.start(CLUSTER)) {
      assertThat(second.term()).isGreaterThan(term);
    }
  }

  @Test
  void anApiServerThatIsRestartedBetweenReplyAndStatusCostsNoSecondBitmap() throws Exception {
    FakeSidecar sidecar = CLUSTER.startSidecar();
    FakeMachine machine = CLUSTER.startMachine("db-0", "vda");
    try (SecondApiServer server = SecondApiServer.start();
        OperatorProcess operator =
            OperatorProcess.start(CLUSTER, server.reach(CLUSTER.operatorConfig()))) {
      sidecar.afterNextEnsure(server::kill);

      TestCheckpoint checkpoint = CLUSTER.apply("restarted", "db-0");
      TestCluster.awaitThat("the kill", () -> !server.isAlive());
      server.startAgain();

      checkpoint.whenReady();
      assertThat(machine.bitmapsOf(checkpoint.uid(), "vda"))
          .containsExactly(checkpoint.bitmap("vda"));
      assertThat(operator.calls().writesAbout(CLUSTER.namespace(), "restarted"))
          .contains("PATCH status");
    }
  }
}
