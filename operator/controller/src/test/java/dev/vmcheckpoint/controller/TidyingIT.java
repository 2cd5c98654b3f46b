package dev.vmcheckpoint.controller;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.api.Condition.Status;
import dev.vmcheckpoint.api.ConditionType;
import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.controller.fixture.FakeMachine;
import dev.vmcheckpoint.controller.fixture.FakeSidecar;
import dev.vmcheckpoint.controller.fixture.TestCheckpoint;
import dev.vmcheckpoint.controller.fixture.TestCluster;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/** What nobody relies on any more is removed, and nothing else. */
final class TidyingIT extends WithOperator {
  @Test
  void aReplacedMarkerGoesOnceEveryCheckpointOfTheDiskIsCarriedOver() {
    cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda");
    TestCheckpoint older = cluster.apply("older", "db-0").whenReady();
    TestCheckpoint younger = cluster.apply("younger", "db-0").whenReady();
    String recorded = older.epoch("vda");

    machine.restart();

    whenRenewed(older, recorded);
    whenRenewed(younger, recorded);
    TestCluster.awaitThat(
        "one marker", () -> machine.epochs("vda").equals(List.of(older.epoch("vda"))));
    older.when(ConditionType.Valid, Status.True, Reason.Recording);
  }

  @Test
  void aMarkerThatAnotherCheckpointStillReliesOnStays() {
    FakeSidecar sidecar = cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda");
    TestCheckpoint carriedAlong = cluster.apply("carried-along", "db-0").whenReady();
    TestCheckpoint leftBelow = cluster.apply("left-below", "db-0").whenReady();
    String recorded = leftBelow.epoch("vda");
    machine.putOverlay("vda", carriedAlong.bitmap("vda"));
    whenRenewed(carriedAlong, recorded);
    leftBelow.when("covered", now -> now.disks().getFirst().reason() == Reason.OverlayOnTop);

    int looks = sidecar.looks();
    TestCluster.awaitThat("four polls", () -> sidecar.looks() >= looks + 4);
    machine.commitOverlay("vda");

    assertThat(machine.epochs("vda")).containsExactly(recorded);
    leftBelow.when(ConditionType.Valid, Status.True, Reason.Recording);
    carriedAlong.when(ConditionType.Valid, Status.True, Reason.Recording);
  }

  @Test
  void aMarkerThatAnOverlayHidFromItsRemovalGoesOnceThatIsCommitted() {
    FakeSidecar sidecar = cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda");
    TestCheckpoint checkpoint = cluster.apply("hidden", "db-0").whenReady();
    String recorded = checkpoint.epoch("vda");
    AtomicBoolean isHidden = new AtomicBoolean();
    sidecar.beforeEachRenew(
        () -> {
          boolean isRemoval = !sidecar.renewals().getLast().disks().getFirst().remove().isEmpty();
          if (isRemoval && isHidden.compareAndSet(false, true)) {
            machine.putOverlay("vda", checkpoint.bitmap("vda"));
          }
        });

    machine.restart();
    whenRenewed(checkpoint, recorded);
    checkpoint.when(
        "on the overlay",
        now -> Objects.requireNonNull(now.disks().getFirst().image()).file().endsWith(".overlay"));
    machine.commitOverlay("vda");

    TestCluster.awaitThat(
        "one marker", () -> machine.epochs("vda").equals(List.of(checkpoint.epoch("vda"))));
  }

  @Test
  void whatIsLeftOfALostDiskIsRemovedAndTheOthersStay() {
    cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda", "vdb");
    TestCheckpoint checkpoint = cluster.apply("broken", "db-0").whenReady();
    TestCheckpoint other = cluster.apply("whole", "db-0").whenReady();

    machine.breakBitmap("vda", checkpoint.bitmap("vda"));

    checkpoint.when(ConditionType.Valid, Status.False, Reason.DisksLost);
    TestCluster.awaitThat(
        "the removal", () -> machine.bitmapsOf(checkpoint.uid(), "vda").isEmpty());
    assertThat(machine.bitmapsOf(checkpoint.uid(), "vdb")).hasSize(1);
    assertThat(machine.bitmapsOf(other.uid(), "vda")).hasSize(1);
    assertThat(checkpoint.disk("vda").reason()).isEqualTo(Reason.BitmapInconsistent);
  }

  @Test
  void nothingIsRemovedBeforeTheStatusSaysLost() {
    cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda");
    TestCheckpoint checkpoint = cluster.apply("said-first", "db-0").whenReady();
    String bitmap = checkpoint.bitmap("vda");
    boolean[] wasThere = new boolean[1];
    operator
        .calls()
        .beforeNextStatusOf(
            "said-first",
            () -> wasThere[0] = machine.bitmapsOf(checkpoint.uid(), "vda").contains(bitmap));

    machine.breakBitmap("vda", bitmap);

    TestCluster.awaitThat(
        "the removal", () -> machine.bitmapsOf(checkpoint.uid(), "vda").isEmpty());
    assertThat(wasThere[0]).isTrue();
    assertThat(checkpoint.condition(ConditionType.Valid).reason()).isEqualTo("DisksLost");
  }

  @Test
  void theBitmapsOfACreationThatCameTooLateAreRemovedAndTheFirstOnesStay() {
    cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda");
    TestCheckpoint checkpoint = cluster.apply("late-creation", "db-0").whenReady();

    machine.put("vda", "vmcp-%s.later.vda".formatted(checkpoint.uid()), 0);

    TestCluster.awaitThat(
        "the removal",
        () -> machine.bitmapsOf(checkpoint.uid(), "vda").equals(List.of(checkpoint.bitmap("vda"))));
    checkpoint.when(ConditionType.Valid, Status.True, Reason.Recording);
  }

  @Test
  void bitmapsOfCheckpointsThatAreNotKnownHereStay() {
    FakeSidecar sidecar = cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda");
    String foreign = "ffffffff-0000-4000-8000-000000000002";
    machine.put("vda", "vmcp-%s.attempt.vda".formatted(foreign), 0);

    TestCheckpoint checkpoint = cluster.apply("neighbour", "db-0").whenReady();
    int looks = sidecar.looks();
    TestCluster.awaitThat("four polls", () -> sidecar.looks() >= looks + 4);
    checkpoint.delete();
    checkpoint.whenGone();

    assertThat(machine.bitmapsOf(foreign, "vda")).hasSize(1);
  }

  private static void whenRenewed(TestCheckpoint checkpoint, String recorded) {
    checkpoint.when("renewed", now -> !recorded.equals(now.disks().getFirst().epoch()));
  }
}
