package dev.vmcheckpoint.controller;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.api.Condition.Status;
import dev.vmcheckpoint.api.ConditionType;
import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus;
import dev.vmcheckpoint.api.WellKnown;
import dev.vmcheckpoint.controller.fixture.FakeMachine;
import dev.vmcheckpoint.controller.fixture.FakeSidecar;
import dev.vmcheckpoint.controller.fixture.TestCheckpoint;
import dev.vmcheckpoint.controller.fixture.TestCluster;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A tenant has every right in his own namespace, and a neighbour with a machine {@code db-0} and a
 * checkpoint of it. Whatever he writes, nothing happens to that machine.
 */
final class TenantIT extends WithOperator {
  private Optional<FakeMachine> machine = Optional.empty();
  private Optional<TestCheckpoint> checkpoint = Optional.empty();

  @BeforeEach
  void startNeighbour() {
    cluster.startSidecar();
    machine = Optional.of(cluster.startNeighbour("db-0", "vda"));
    checkpoint = Optional.of(cluster.applyAtNeighbour("nightly", "db-0").whenReady());
  }

  /** The neighbour's machine. */
  private FakeMachine victim() {
    return machine.orElseThrow();
  }

  /** The neighbour's checkpoint. */
  private TestCheckpoint victims() {
    return checkpoint.orElseThrow();
  }

  @Test
  void theNameOfANeighboursMachineNamesNoMachine() {
    TestCheckpoint attempt = cluster.apply("by-name", "db-0");

    attempt.when(ConditionType.Ready, Status.False, Reason.VirtualMachineNotFound);
    assertUntouched(attempt);
  }

  @Test
  void aForgedLabelMakesOnlyTheTenantsOwnPodTheMachine() {
    FakeMachine own = cluster.startMachine("db-0", "vda");

    TestCheckpoint attempt = cluster.apply("by-label", "db-0").whenReady();

    assertThat(own.bitmapsOf(attempt.uid(), "vda")).hasSize(1);
    assertUntouched(attempt);
  }

  @Test
  void twoPodsThatClaimToBeOneMachineAreNone() {
    cluster.startMachine("db-0", "vda");
    cluster.startMachineLabelled(
        Map.of(WellKnown.VIRTUAL_MACHINE_LABEL, "db-0"), cluster.node(), "another", "vda");

    TestCheckpoint attempt = cluster.apply("by-two", "db-0");

    attempt.when(ConditionType.Ready, Status.False, Reason.AmbiguousVirtualMachine);
    assertUntouched(attempt);
  }

  @Test
  void anOwnerReferenceToTheNeighboursPodIsInert() {
    TestCheckpoint attempt = cluster.applyWithFinalizer("by-owner", "db-0");
    attempt.patch(
        """
        {"metadata": {"ownerReferences": [
          {"apiVersion": "v1", "kind": "Pod", "name": "db-0", "uid": "%s"}]}}
        """
            .formatted(victimsPod().getMetadata().getUid()));

    attempt.when(ConditionType.Ready, Status.False, Reason.VirtualMachineNotFound);
    assertUntouched(attempt);
  }

  @Test
  void annotationsAndLabelsOfTheResourceAreInert() {
    TestCheckpoint attempt = cluster.apply("by-annotation", "db-0");
    attempt.annotate(WellKnown.VIRTUAL_MACHINE_LABEL, "db-0");
    attempt.annotate("vmcheckpoint.dev/namespace", cluster.neighbourNamespace());
    attempt.requestProbe("now");

    attempt.when("probed", now -> "now".equals(now.lastHandledProbeAt()));
    attempt.when(ConditionType.Ready, Status.False, Reason.VirtualMachineNotFound);
    assertUntouched(attempt);
  }

  @Test
  void aMachineThatShowsEndlessNamesGetsNoneOfThemIntoAStatus() {
    String endless = "x".repeat(1_000);
    cluster.startMachine(
        "endless",
        Stream.concat(Stream.of("vda"), IntStream.range(0, 64).mapToObj(i -> endless + i))
            .toArray(String[]::new));

    TestCheckpoint attempt = cluster.apply("by-names", "endless", "disks: [{name: vda}]");

    attempt.when(ConditionType.Ready, Status.False, Reason.MonitorUnavailable);
    assertUntouched(attempt);
  }

  @Test
  void aCopyOfTheNeighboursCheckpointWithItsStatusIsNotBelieved() {
    TestCheckpoint attempt = copyWithStatus();

    attempt.when(ConditionType.Valid, Status.False, Reason.DisksLost);
    assertUntouched(attempt);
  }

  @Test
  void theDeletionOfSuchACopyTouchesNothing() {
    TestCheckpoint attempt = copyWithStatus();
    attempt.when(ConditionType.Valid, Status.False, Reason.DisksLost);
    String uid = attempt.uid();

    attempt.delete();
    attempt.whenGone();

    assertThat(victim().bitmapsOf(uid, "vda")).isEmpty();
    assertVictimIsWhole();
  }

  /** The neighbour has no checkpoint any more, for whose sake his machine would be called. */
  @Test
  void aStatusThatNamesTheNeighboursPodLeadsToNoCallThere() {
    FakeSidecar sidecar = cluster.sidecar(cluster.node());
    String pod = victimsPod().getMetadata().getUid();
    cluster.startMachine("own-0", "vda");
    cluster.apply("own", "own-0").whenReady();
    TestCheckpoint attempt = copyWithStatus();
    attempt.when("seen", now -> now.disks().getFirst().reason() == Reason.BitmapMissing);
    victims().delete();
    victims().whenGone();
    awaitLooksAtAnother();
    long before = sidecar.callsTo(pod);
    assertThat(before).isPositive();

    attempt.requestProbe("again");
    attempt.when("probed", now -> "again".equals(now.lastHandledProbeAt()));
    awaitLooksAtAnother();
    attempt.delete();
    attempt.whenGone();

    assertThat(sidecar.callsTo(pod)).isEqualTo(before);
  }

  /** What was under way has ended then. */
  private void awaitLooksAtAnother() {
    FakeSidecar sidecar = cluster.sidecar(cluster.node());
    int looks = sidecar.looks();
    TestCluster.awaitThat("three looks", () -> sidecar.looks() >= looks + 3);
  }

  /** With the neighbour's bitmap, marker, pod and node in it. */
  private TestCheckpoint copyWithStatus() {
    VirtualMachineCheckpointStatus stolen = victims().status();
    TestCheckpoint attempt = cluster.applyWithFinalizer("copied", "db-0");
    attempt.when(ConditionType.Ready, Status.False, Reason.VirtualMachineNotFound);
    attempt.patchStatus("{\"status\": %s}".formatted(Serialization.asJson(stolen)));
    return attempt;
  }

  private Pod victimsPod() {
    return cluster.admin().pods().inNamespace(cluster.neighbourNamespace()).withName("db-0").get();
  }

  private void assertUntouched(TestCheckpoint attempt) {
    FakeSidecar sidecar = cluster.sidecar(cluster.node());
    int looks = sidecar.looks();
    TestCluster.awaitThat("three looks", () -> sidecar.looks() >= looks + 3);
    assertThat(victim().bitmapsOf(attempt.uid(), "vda")).isEmpty();
    assertVictimIsWhole();
  }

  private void assertVictimIsWhole() {
    assertThat(victim().bitmapsOf(victims().uid(), "vda")).containsExactly(victims().bitmap("vda"));
    victims().when(ConditionType.Valid, Status.True, Reason.Recording);
  }
}
