package dev.vmcheckpoint.controller;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.vmcheckpoint.api.Condition.Status;
import dev.vmcheckpoint.api.ConditionType;
import dev.vmcheckpoint.api.DiskState;
import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Disk;
import dev.vmcheckpoint.api.WellKnown;
import dev.vmcheckpoint.controller.fixture.FakeMachine;
import dev.vmcheckpoint.controller.fixture.FakeSidecar;
import dev.vmcheckpoint.controller.fixture.TestCheckpoint;
import dev.vmcheckpoint.controller.fixture.TestCluster;
import dev.vmcheckpoint.node.ErrorCode;
import dev.vmcheckpoint.node.NodeApiException;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** From an applied resource to an established checkpoint, whatever goes wrong in the middle. */
final class CreationIT extends WithOperator {
  @Test
  void aCheckpointIsEstablishedWithTwoWrites() {
    cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda", "vdb");

    TestCheckpoint checkpoint = cluster.apply("one", "db-0").whenReady();

    assertThat(operator.calls().writesAbout(cluster.namespace(), "one"))
        .containsExactly("PATCH", "PATCH status");
    assertThat(checkpoint.status().creationTime()).isNotNull();
    assertThat(checkpoint.status().disks())
        .extracting(Disk::name, Disk::state)
        .containsExactly(tuple("vda", DiskState.Recording), tuple("vdb", DiskState.Recording));
    assertThat(machine.bitmapsOf(checkpoint.uid(), "vda"))
        .containsExactly(checkpoint.bitmap("vda"));
    assertThat(checkpoint.condition(ConditionType.Valid).status()).isEqualTo(Status.True);
    checkpoint.whenTold(Reason.Established);
  }

  @Test
  void aReplyThatIsLostLeadsToTheSameBitmapsAndNoSecondOnes() {
    FakeSidecar sidecar = cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda");
    sidecar.afterNextEnsure(
        () -> {
          throw new NodeApiException.NoAnswer("the connection broke", new IOException());
        });

    TestCheckpoint checkpoint = cluster.apply("lost-reply", "db-0");

    checkpoint.whenTold(Reason.OutcomeUnknown);
    checkpoint.whenReady();
    assertThat(machine.bitmapsOf(checkpoint.uid(), "vda"))
        .containsExactly(checkpoint.bitmap("vda"));
  }

  @Test
  void aReplyThatComesAfterTheDeletionEstablishesNothingAndLeavesNothing() {
    FakeSidecar sidecar = cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda");
    String[] uid = new String[1];
    sidecar.afterNextEnsure(
        () -> {
          TestCheckpoint doomed = new TestCheckpoint(cluster, cluster.namespace(), "late-reply");
          uid[0] = doomed.uid();
          assertThat(machine.bitmapsOf(uid[0], "vda")).hasSize(1);
          doomed.delete();
        });

    cluster.apply("late-reply", "db-0").whenGone();

    assertThat(machine.bitmapsOf(uid[0], "vda")).isEmpty();
    TestCheckpoint gone = new TestCheckpoint(cluster, cluster.namespace(), "late-reply");
    gone.whenTold(Reason.BitmapsRemoved);
    assertThat(gone.eventReasons()).doesNotContain("Established");
  }

  @Test
  void aResourceThatWasMadeAnewUnderTheSameNameGetsBitmapsOfItsOwn() {
    FakeSidecar sidecar = cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda");
    String[] uidOfTheFirst = new String[1];
    sidecar.afterNextEnsure(
        () -> {
          TestCheckpoint first = new TestCheckpoint(cluster, cluster.namespace(), "same-name");
          uidOfTheFirst[0] = first.uid();
          first.delete();
          first.forceFinalizersAway();
          cluster.apply("same-name", "db-0");
        });

    cluster.apply("same-name", "db-0");

    TestCluster.awaitThat("the first creation", () -> uidOfTheFirst[0] != null);
    TestCheckpoint second =
        new TestCheckpoint(cluster, cluster.namespace(), "same-name").whenReady();
    assertThat(second.uid()).isNotEqualTo(uidOfTheFirst[0]);
    assertThat(machine.bitmapsOf(second.uid(), "vda")).containsExactly(second.bitmap("vda"));
  }

  @Test
  void aSidecarThatWasRestartedIsLookedAtAgainBeforeAnythingIsMade() {
    FakeSidecar sidecar = cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda");
    sidecar.beforeNextEnsure(sidecar::restart);

    TestCheckpoint checkpoint = cluster.apply("restarted-sidecar", "db-0").whenReady();

    assertThat(sidecar.creations()).isEqualTo(2);
    assertThat(machine.bitmapsOf(checkpoint.uid(), "vda")).hasSize(1);
    assertThat(operator.calls().writesAbout(cluster.namespace(), "restarted-sidecar")).hasSize(2);
  }

  @Test
  void bitmapsThatCameSinceTheLookAreLookedAtBeforeAnyAreMade() {
    FakeSidecar sidecar = cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda", "vdb");
    sidecar.beforeNextEnsure(
        () -> {
          String uid = new TestCheckpoint(cluster, cluster.namespace(), "overtaken").uid();
          machine.put("vda", "vmcp-%s.1.vda".formatted(uid), 0);
        });

    TestCheckpoint checkpoint = cluster.apply("overtaken", "db-0").whenReady();

    assertThat(sidecar.creations()).isEqualTo(2);
    for (String disk : List.of("vda", "vdb")) {
      assertThat(machine.bitmapsOf(checkpoint.uid(), disk))
          .containsExactly(checkpoint.bitmap(disk));
    }
  }

  @Test
  void aDiskWithAsManyCheckpointsAsPermittedGetsAFurtherOneWhenThereIsRoom() {
    cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda");
    List<String> others =
        IntStream.range(0, 128)
            .mapToObj("ffffffff-0000-4000-8000-%012d"::formatted)
            .map("vmcp-%s.attempt.vda"::formatted)
            .toList();
    others.forEach(bitmap -> machine.put("vda", bitmap, 0));

    TestCheckpoint checkpoint = cluster.apply("one-too-many", "db-0");

    checkpoint.when(ConditionType.Ready, Status.False, Reason.TooManyCheckpoints);
    assertThat(machine.bitmapsOf(checkpoint.uid(), "vda")).isEmpty();
    machine.lose("vda", others.getFirst());
    checkpoint.whenReady();
  }

  @Test
  void aStatusThatConflictsIsDecidedAnewAndTheBitmapsAreAdopted() {
    FakeSidecar sidecar = cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda");
    operator
        .calls()
        .beforeNextStatusOf(
            "conflict",
            () ->
                new TestCheckpoint(cluster, cluster.namespace(), "conflict")
                    .annotate("example.com/touched", "meanwhile"));

    TestCheckpoint checkpoint = cluster.apply("conflict", "db-0").whenReady();

    assertThat(sidecar.creations()).isEqualTo(2);
    assertThat(machine.bitmapsOf(checkpoint.uid(), "vda"))
        .containsExactly(checkpoint.bitmap("vda"));
  }

  @Test
  void aNodeWithoutASidecarIsSaidAndCuredByOne() {
    cluster.startMachine("db-0", "vda");

    TestCheckpoint checkpoint = cluster.apply("no-sidecar", "db-0");
    checkpoint.when(ConditionType.Ready, Status.False, Reason.NoSidecar);
    checkpoint.whenTold(Reason.NoSidecar);

    cluster.startSidecar();
    checkpoint.whenReady();
  }

  @Test
  void aSidecarThatCannotBeReachedIsSaid() {
    FakeSidecar sidecar = cluster.startSidecar();
    cluster.startMachine("db-0", "vda");
    sidecar.beforeObserve(
        () -> {
          throw new NodeApiException.Unreachable("no connection", new IOException());
        });

    TestCheckpoint checkpoint = cluster.apply("unreachable", "db-0");
    checkpoint.when(ConditionType.Ready, Status.False, Reason.SidecarUnreachable);

    sidecar.heal();
    checkpoint.whenReady();
  }

  @Test
  void aFlushThatHasNotEndedWellIsNotReadyAndTriedAgain() {
    FakeSidecar sidecar = cluster.startSidecar();
    cluster.startMachine("db-0", "vda");
    sidecar.afterNextEnsure(
        () -> {
          throw FakeSidecar.problem(ErrorCode.FlushPending, "disk vda: the flush failed");
        });

    TestCheckpoint checkpoint = cluster.apply("flush", "db-0");

    checkpoint.whenTold(Reason.FlushPending);
    checkpoint.whenReady();
  }

  @Test
  void aMachineThatIsNotThereIsSaidAndCuredByItsPod() {
    cluster.startSidecar();

    TestCheckpoint checkpoint = cluster.apply("early", "db-0");
    checkpoint.when(ConditionType.Ready, Status.False, Reason.VirtualMachineNotFound);
    assertThat(checkpoint.condition(ConditionType.Stalled).status()).isEqualTo(Status.True);

    cluster.startMachine("db-0", "vda");
    checkpoint.whenReady();
    assertThat(checkpoint.eventReasons()).contains("VirtualMachineNotFound");
  }

  @Test
  void aPodThatWaitsForANodeIsNotRunning() {
    cluster.createPendingPod("db-0");

    cluster
        .apply("pending", "db-0")
        .when(ConditionType.Ready, Status.False, Reason.VirtualMachineNotRunning);
  }

  @Test
  void onlyTheOneOfTwoPodsThatRunsTheGuestCounts() {
    cluster.startSidecar();
    FakeMachine source = cluster.startMachineOn(cluster.node(), "source", "db-0", "vda");
    FakeMachine target = cluster.startMachineOn(cluster.node(), "target", "db-0", "vda");
    target.enter("inmigrate");

    TestCheckpoint checkpoint = cluster.apply("two-pods", "db-0").whenReady();

    assertThat(source.bitmapsOf(checkpoint.uid(), "vda")).hasSize(1);
    assertThat(target.bitmapsOf(checkpoint.uid(), "vda")).isEmpty();
  }

  @Test
  void twoPodsThatBothRunAGuestGetNothing() {
    FakeSidecar sidecar = cluster.startSidecar();
    cluster.startMachineOn(cluster.node(), "one", "db-0", "vda");
    cluster.startMachineOn(cluster.node(), "other", "db-0", "vda");

    cluster
        .apply("ambiguous", "db-0")
        .when(ConditionType.Ready, Status.False, Reason.AmbiguousVirtualMachine);

    assertThat(sidecar.creations()).isZero();
  }

  @Test
  void aPodMaySayByAnyOfTheLabelsWhichMachineItRuns() {
    cluster.startSidecar();
    FakeMachine machine =
        cluster.startMachineLabelled(
            Map.of(OperatorProcess.OTHER_LABEL, "db-0"), cluster.node(), "any-name", "vda");

    TestCheckpoint checkpoint = cluster.apply("other-label", "db-0").whenReady();

    assertThat(machine.bitmapsOf(checkpoint.uid(), "vda")).hasSize(1);
  }

  @Test
  void aPodThatSaysItByEachOfTheLabelsIsOnePod() {
    cluster.startSidecar();
    cluster.startMachineLabelled(
        Map.of(WellKnown.VIRTUAL_MACHINE_LABEL, "db-0", OperatorProcess.OTHER_LABEL, "db-0"),
        cluster.node(),
        "any-name",
        "vda");

    cluster.apply("both-labels", "db-0").whenReady();
  }

  @Test
  void aDiskThatIsNotThereIsSaidAndNothingIsMade() {
    FakeSidecar sidecar = cluster.startSidecar();
    cluster.startMachine("db-0", "vda");

    TestCheckpoint checkpoint =
        cluster
            .apply("no-disk", "db-0", "disks: [{name: vda}, {name: vdz}]")
            .when(ConditionType.Ready, Status.False, Reason.DiskNotFound);

    assertThat(checkpoint.condition(ConditionType.Ready).message()).contains("vdz");
    assertThat(sidecar.creations()).isZero();
  }

  @Test
  void aNodeThatHangsHoldsUpNoOther() {
    FakeSidecar hung = cluster.startSidecar("hung-" + cluster.node());
    CountDownLatch end = new CountDownLatch(1);
    hung.beforeObserve(() -> await(end));
    for (int i = 0; i < 40; i++) {
      cluster.startMachineOn("hung-" + cluster.node(), "hung-" + i, "hung-" + i, "vda");
      cluster.apply("hung-" + i, "hung-" + i);
    }
    cluster.startSidecar();
    cluster.startMachine("db-0", "vda");

    cluster.apply("not-hung", "db-0").whenReady();

    end.countDown();
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
