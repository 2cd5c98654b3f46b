package dev.vmcheckpoint.controller;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.api.Condition.Status;
import dev.vmcheckpoint.api.ConditionType;
import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.controller.fixture.FakeMachine;
import dev.vmcheckpoint.controller.fixture.FakeSidecar;
import dev.vmcheckpoint.controller.fixture.LoggedWarnings;
import dev.vmcheckpoint.controller.fixture.TestCheckpoint;
import dev.vmcheckpoint.controller.fixture.TestCluster;
import dev.vmcheckpoint.node.ErrorCode;
import dev.vmcheckpoint.node.NodeApiException;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

/** From a deleted resource to its end, which always comes. */
final class DeletionIT extends WithOperator {
  @Test
  void theBitmapsGoAndThoseOfAnotherCheckpointStay() {
    cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda");
    TestCheckpoint first = cluster.apply("first", "db-0").whenReady();
    TestCheckpoint second = cluster.apply("second", "db-0").whenReady();
    String uid = first.uid();

    first.delete();
    first.whenGone();

    assertThat(machine.bitmapsOf(uid, "vda")).isEmpty();
    assertThat(machine.bitmapsOf(second.uid(), "vda")).hasSize(1);
    first.whenTold(Reason.BitmapsRemoved);
  }

  @Test
  void withoutAPodOfTheMachineTheResourceGoesAtOnceAndSaysWhatIsLeft() {
    cluster.startSidecar();
    cluster.startMachine("db-0", "vda");
    TestCheckpoint checkpoint = cluster.apply("no-pod", "db-0").whenReady();
    cluster.deletePod("db-0");
    checkpoint.whenOutOfSight();

    checkpoint.delete();

    checkpoint.whenGone();
    checkpoint.whenTold(Reason.BitmapsLeftBehind);
  }

  @Test
  void aResourceForWhichNothingWasMadeGoesAtOnceWithoutAWord() {
    TestCheckpoint checkpoint =
        cluster
            .apply("never", "db-0")
            .when(ConditionType.Ready, Status.False, Reason.VirtualMachineNotFound);

    checkpoint.delete();

    checkpoint.whenGone();
    assertThat(checkpoint.eventReasons()).containsExactly("VirtualMachineNotFound");
  }

  @Test
  void bitmapsOfACreationWhoseReplyWasLostAreWaitedForAndRemoved() {
    FakeSidecar sidecar = cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda");
    sidecar.afterNextEnsure(
        () -> {
          sidecar.beforeObserve(DeletionIT::noAnswer);
          noAnswer();
        });
    TestCheckpoint checkpoint = cluster.apply("lost-reply", "db-0");
    checkpoint.whenTold(Reason.OutcomeUnknown);
    String uid = checkpoint.uid();
    assertThat(machine.bitmapsOf(uid, "vda")).hasSize(1);

    checkpoint.delete();
    checkpoint.when(ConditionType.Reconciling, Status.True, Reason.Deleting);
    sidecar.heal();

    checkpoint.whenGone();
    assertThat(machine.bitmapsOf(uid, "vda")).isEmpty();
  }

  @Test
  void whatCannotBeRemovedNowIsTriedAgain() {
    FakeSidecar sidecar = cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda");
    TestCheckpoint checkpoint = cluster.apply("busy", "db-0").whenReady();
    String uid = checkpoint.uid();
    sidecar.beforeRemove(
        () -> {
          throw FakeSidecar.problem(ErrorCode.BitmapBusy, "disk vda: a job uses the bitmap");
        });

    checkpoint.delete();
    checkpoint.when(ConditionType.Reconciling, Status.True, Reason.Deleting);
    sidecar.heal();

    checkpoint.whenGone();
    assertThat(machine.bitmapsOf(uid, "vda")).isEmpty();
  }

  @Test
  void whatCannotBeRemovedInTimeIsLeftBehindAndSaid() {
    FakeSidecar sidecar = cluster.startSidecar();
    cluster.startMachine("db-0", "vda");
    TestCheckpoint checkpoint = cluster.apply("never-removed", "db-0").whenReady();
    sidecar.beforeRemove(DeletionIT::noAnswer);
    Instant before = Instant.now();

    checkpoint.delete();
    checkpoint.whenGone();

    assertThat(Duration.between(before, Instant.now()))
        .isGreaterThan(OperatorProcess.DELETION_TIMEOUT.minusSeconds(1));
    checkpoint.whenTold(Reason.BitmapsLeftBehind);
  }

  @Test
  void aBitmapThatStaysBusyIsLeftBehindAndSaid() {
    FakeSidecar sidecar = cluster.startSidecar();
    cluster.startMachine("db-0", "vda");
    TestCheckpoint checkpoint = cluster.apply("busy-for-ever", "db-0").whenReady();
    sidecar.beforeRemove(
        () -> {
          throw FakeSidecar.problem(ErrorCode.BitmapBusy, "an export uses it");
        });

    checkpoint.delete();
    checkpoint.whenGone();

    checkpoint.whenTold(Reason.BitmapsLeftBehind);
  }

  @Test
  void aSidecarThatIsReplacedAgainAndAgainHoldsTheResourceOnlyForABoundedTime() {
    FakeSidecar sidecar = cluster.startSidecar();
    cluster.startMachine("db-0", "vda");
    TestCheckpoint checkpoint = cluster.apply("restless", "db-0").whenReady();
    sidecar.beforeRemove(sidecar::restart);

    checkpoint.delete();
    checkpoint.whenGone();

    checkpoint.whenTold(Reason.BitmapsLeftBehind);
  }

  @Test
  void aFinalizerThatSomebodyElsePutThereDoesNotHoldTheResource() {
    TestCheckpoint checkpoint = cluster.applyWithFinalizer("restored", "db-0");
    checkpoint.when(ConditionType.Ready, Status.False, Reason.VirtualMachineNotFound);

    checkpoint.delete();

    checkpoint.whenGone();
  }

  @Test
  void aResourceThatIsDeletedBeforeItsFinalizerComesIsNoFailureToLog() {
    double failures = operator.failures();
    try (LoggedWarnings warnings = new LoggedWarnings()) {
      operator
          .calls()
          .beforeFinalizerOf(
              "hasty", () -> new TestCheckpoint(cluster, cluster.namespace(), "hasty").delete());

      cluster.apply("hasty", "db-0");

      TestCluster.awaitThat("the refusal", () -> operator.failures() > failures);
      assertThat(warnings.about("hasty")).isEmpty();
    }
  }

  @Test
  void aReconciliationThatFailsIsLogged() {
    try (LoggedWarnings warnings = new LoggedWarnings()) {
      operator
          .calls()
          .beforeFinalizerOf(
              "unlucky",
              () -> {
                throw new KubernetesClientException("no way to the API server");
              });

      TestCheckpoint checkpoint = cluster.apply("unlucky", "db-0");

      checkpoint.when(ConditionType.Ready, Status.False, Reason.VirtualMachineNotFound);
      assertThat(warnings.about("unlucky"))
          .singleElement()
          .asString()
          .contains(cluster.namespace() + "/unlucky");
    }
  }

  private static void noAnswer() {
    throw new NodeApiException.NoAnswer("no answer", new IOException());
  }
}
