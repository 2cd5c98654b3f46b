package dev.vmcheckpoint.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.vmcheckpoint.e2e.fixture.Administrator;
import dev.vmcheckpoint.e2e.fixture.Checkpoint;
import dev.vmcheckpoint.e2e.fixture.Cluster;
import dev.vmcheckpoint.e2e.fixture.Disk;
import dev.vmcheckpoint.e2e.fixture.Installation;
import dev.vmcheckpoint.e2e.fixture.Installation.Outage;
import dev.vmcheckpoint.e2e.fixture.Installation.Program;
import dev.vmcheckpoint.e2e.fixture.RunningMachine;
import dev.vmcheckpoint.e2e.fixture.SharedStorage;
import dev.vmcheckpoint.e2e.fixture.VirtualMachine;
import io.fabric8.kubernetes.client.readiness.Readiness;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What happens to every cluster, while checkpoints are made and deleted: nothing is lost, nothing
 * is there twice, nothing is stuck.
 */
class DayTwoE2E {
  @RegisterExtension static final Cluster CLUSTER = new Cluster("day-two");

  private static final List<String> DISKS = List.of("vda", "vdb");

  private final Installation installation = new Installation(CLUSTER);

  enum Event {
    LEADER_KILLED,
    ALL_OPERATORS_KILLED,
    LEADER_EVICTED,
    SIDECAR_KILLED,
    SIDECARS_ROLLED,
    API_SERVER_RESTARTED,
    ETCD_RESTARTED,
    CONTROLLER_MANAGER_RESTARTED,
    KUBELET_RESTARTED,
    CONTAINERD_RESTARTED;

    private String label() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }

  private void happens(Event event) {
    switch (event) {
      case LEADER_KILLED -> installation.killLeader();
      case ALL_OPERATORS_KILLED -> installation.killOperators();
      case LEADER_EVICTED -> installation.evictLeader();
      case SIDECAR_KILLED -> installation.kill(Program.SIDECAR);
      case SIDECARS_ROLLED -> installation.rollSidecars();
      case API_SERVER_RESTARTED -> CLUSTER.restartApiServer();
      case ETCD_RESTARTED -> CLUSTER.restart(Cluster.FIRST_NODE, "etcd");
      case CONTROLLER_MANAGER_RESTARTED ->
          CLUSTER.restart(Cluster.FIRST_NODE, "kube-controller-manager");
      case KUBELET_RESTARTED -> CLUSTER.restart(Cluster.FIRST_NODE, "kubelet");
      case CONTAINERD_RESTARTED -> CLUSTER.restart(Cluster.FIRST_NODE, "containerd");
    }
  }

  @ParameterizedTest
  @EnumSource
  void whatIsInFlightIsNeitherLostNorDoubledNorStuck(Event event) {
    try (Outage _ = installation.withTwoOperators()) {
      RunningMachine machine =
          RunningMachine.start(
              CLUSTER, VirtualMachine.named(event.label(), Disk.qcow2("vda"), Disk.qcow2("vdb")));
      List<Checkpoint> going = apply(event, "going", 4);
      going.forEach(Checkpoint::whenReady);
      List<Checkpoint> staying = new ArrayList<>(apply(event, "staying", 2));
      staying.forEach(Checkpoint::whenReady);
      Instant begin = Instant.now();

      // Half of it is begun before QEMU stands still, and is wherever it has got to by then.
      List<Checkpoint> coming = new ArrayList<>(apply(event, "coming", 2));
      going.subList(0, 2).forEach(Checkpoint::beginToDelete);
      long beingMade;
      long beingDeleted;
      try (Outage _ = machine.standingStill()) {
        coming.addAll(apply(event, "held", 2));
        going.subList(2, 4).forEach(Checkpoint::beginToDelete);
        coming.forEach(Checkpoint::whenSeen);
        beingMade = coming.stream().filter(made -> !made.isCondition("Ready", "True")).count();
        beingDeleted = going.stream().filter(Checkpoint::isThere).count();
        happens(event);
      }
      staying.addAll(coming);
      staying.addAll(apply(event, "after", 1));

      assertThat(beingMade).isGreaterThanOrEqualTo(2);
      assertThat(beingDeleted).isGreaterThanOrEqualTo(2);
      staying.forEach(Checkpoint::whenReady);
      going.forEach(Checkpoint::whenGone);
      staying.forEach(checkpoint -> checkpoint.probe(event.label()));
      assertRecording(staying);
      DISKS.forEach(disk -> assertOneBitmapEach(machine, staying, disk));
      print(event.label(), beingMade, beingDeleted, begin, staying.size());
      staying.forEach(Checkpoint::beginToDelete);
      staying.forEach(Checkpoint::whenGone);
      machine.delete();
    }
  }

  @Test
  void aMachineOfADrainedNodeIsFollowedToTheNextOne() {
    SharedStorage disks = SharedStorage.make(CLUSTER, "drained");
    try (disks;
        Outage _ = withAnOperatorOnEachNode()) {
      VirtualMachine machine =
          VirtualMachine.named("drained", Disk.qcow2("vda"), Disk.qcow2("vdb")).with(disks);
      RunningMachine.start(CLUSTER, machine.on(Cluster.SECOND_NODE));
      Checkpoint staying = Checkpoint.apply(CLUSTER, "drained", "drained").whenReady();
      Checkpoint going = Checkpoint.apply(CLUSTER, "drained-going", "drained").whenReady();
      Instant begin = Instant.now();

      try {
        new Administrator(CLUSTER)
            .runs(
                "kubectl drain %s --ignore-daemonsets --delete-emptydir-data --force --timeout=90s"
                    .formatted(Cluster.SECOND_NODE));
        going.beginToDelete();
        Checkpoint coming = Checkpoint.apply(CLUSTER, "drained-coming", "drained");
        staying.whenDisk("vda", "Unknown", "VirtualMachineNotFound");
        coming.whenNotReadyFor("VirtualMachineNotFound");
        RunningMachine next = RunningMachine.start(CLUSTER, machine);

        staying.whenDisk("vda", "Recording", "Recording");
        coming.whenReady();
        going.whenGone();
        next.write("vda", "0", "64k");
        assertThat(staying.probe("moved").disk("vda").path("dirtyBytes").asLong())
            .isEqualTo(1 << 16);
        assertOneBitmapEachAtLast(next, List.of(staying, coming));
        print("node drained", 1, 1, begin, 2);
      } finally {
        CLUSTER.cordon(Cluster.SECOND_NODE, false);
      }
    }
  }

  private Outage withAnOperatorOnEachNode() {
    CLUSTER.cordon(Cluster.FIRST_NODE, true);
    try {
      return installation.withTwoOperators();
    } finally {
      CLUSTER.cordon(Cluster.FIRST_NODE, false);
    }
  }

  @Test
  void aNodeThatIsLostAndComesBackCostsNothing() {
    RunningMachine machine =
        RunningMachine.start(
            CLUSTER,
            VirtualMachine.named("lost", Disk.qcow2("vda"), Disk.qcow2("vdb"))
                .on(Cluster.SECOND_NODE));
    Checkpoint staying = Checkpoint.apply(CLUSTER, "lost", "lost").whenReady();
    Checkpoint going = Checkpoint.apply(CLUSTER, "lost-going", "lost").whenReady();
    machine.write("vda", "0", "64k");
    Instant begin = Instant.now();
    Checkpoint coming;

    // One of them may be on that node, and lead; the other one comes to the first.
    CLUSTER.cordon(Cluster.SECOND_NODE, true);
    try (Outage _ = installation.withTwoOperators();
        Outage _ = CLUSTER.withoutNode(Cluster.SECOND_NODE)) {
      going.beginToDelete();
      coming = Checkpoint.apply(CLUSTER, "lost-coming", "lost");
      staying.when("Unknown", now -> now.disk("vda").path("state").asText().equals("Unknown"));
      await("the node being given up")
          .atMost(Cluster.PATIENCE)
          .until(() -> !isReady(Cluster.SECOND_NODE));
      assertThat(staying.isCondition("Ready", "True")).isTrue();
      assertThat(coming.isCondition("Ready", "True")).isFalse();
    } finally {
      CLUSTER.cordon(Cluster.SECOND_NODE, false);
    }

    staying.whenDisk("vda", "Recording", "Recording");
    coming.whenReady();
    going.whenGone();
    assertThat(staying.probe("back").disk("vda").path("dirtyBytes").asLong()).isEqualTo(1 << 16);
    assertOneBitmapEachAtLast(machine, List.of(staying, coming));
    print("node lost and back", 1, 1, begin, 2);
    await("the node's return").atMost(Cluster.PATIENCE).until(() -> isReady(Cluster.SECOND_NODE));
  }

  private static boolean isReady(String node) {
    return Readiness.isNodeReady(CLUSTER.client().nodes().withName(node).get());
  }

  private static List<Checkpoint> apply(Event event, String kind, int number) {
    return IntStream.range(0, number)
        .mapToObj(
            i ->
                Checkpoint.apply(
                    CLUSTER, "%s-%s-%d".formatted(event.label(), kind, i), event.label()))
        .toList();
  }

  private static void assertRecording(List<Checkpoint> checkpoints) {
    assertThat(checkpoints)
        .allSatisfy(
            checkpoint ->
                assertThat(DISKS)
                    .allSatisfy(
                        disk ->
                            assertThat(checkpoint.disk(disk).path("state").asText())
                                .isEqualTo("Recording")));
  }

  private static void assertOneBitmapEach(
      RunningMachine machine, List<Checkpoint> checkpoints, String disk) {
    assertThat(machine.bitmapsButMarkers(disk))
        .as("bitmaps on %s", disk)
        .containsExactlyInAnyOrderElementsOf(
            checkpoints.stream().map(checkpoint -> checkpoint.bitmap(disk)).toList());
  }

  /** What could not be removed before the finalizer was released is so when it is next seen. */
  private static void assertOneBitmapEachAtLast(
      RunningMachine machine, List<Checkpoint> checkpoints) {
    await("only the bitmaps of what is there")
        .atMost(Cluster.PATIENCE)
        .untilAsserted(
            () -> DISKS.forEach(disk -> assertOneBitmapEach(machine, checkpoints, disk)));
    assertRecording(checkpoints);
  }

  private static void print(String event, long made, long deleted, Instant begin, int recording) {
    System.out.printf(
        "FIGURE %-36s in flight: %d made, %d deleted; found after %d s: %d Recording, 0 others%n",
        "day two, " + event + ":",
        made,
        deleted,
        Duration.between(begin, Instant.now()).toSeconds(),
        recording);
  }
}
