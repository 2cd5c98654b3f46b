package dev.vmcheckpoint.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

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
      List<Checkpoint> going = apply(event, "going", 3);
      going.forEach(Checkpoint::whenReady);
      List<Checkpoint> staying = new ArrayList<>(apply(event, "staying", 2));
      staying.forEach(Checkpoint::whenReady);
      Instant begin = Instant.now();

      staying.addAll(apply(event, "coming", 4));
      going.forEach(Checkpoint::beginToDelete);
      happens(event);
      staying.addAll(apply(event, "after", 1));

      staying.forEach(Checkpoint::whenReady);
      going.forEach(Checkpoint::whenGone);
      staying.forEach(checkpoint -> checkpoint.probe(event.label()));
      assertThat(staying)
          .allSatisfy(
              checkpoint ->
                  assertThat(DISKS)
                      .allSatisfy(
                          disk -> assertThat(stateOf(checkpoint, disk)).isEqualTo("Recording")));
      DISKS.forEach(disk -> assertOneBitmapEach(machine, staying, disk));
      System.out.printf(
          "FIGURE %-36s in flight: 4 made, 3 deleted, 1 made right after; found after %d s: %d Recording, 0 others%n",
          "day two, " + event.label() + ":",
          Duration.between(begin, Instant.now()).toSeconds(),
          staying.size());
      staying.forEach(Checkpoint::beginToDelete);
      staying.forEach(Checkpoint::whenGone);
      machine.delete();
    }
  }

  @Test
  void aMachineOfADrainedNodeIsFollowedToTheNextOne() {
    SharedStorage disks = SharedStorage.make(CLUSTER, "drained");
    try (disks) {
      VirtualMachine machine =
          VirtualMachine.named("drained", Disk.qcow2("vda"), Disk.qcow2("vdb")).with(disks);
      RunningMachine drained = RunningMachine.start(CLUSTER, machine.on(Cluster.SECOND_NODE));
      Checkpoint checkpoint = Checkpoint.apply(CLUSTER, "drained", "drained").whenReady();

      CLUSTER.cordon(Cluster.SECOND_NODE, true);
      try {
        drained.evict();
        checkpoint.whenDisk("vda", "Unknown", "VirtualMachineNotFound");
        RunningMachine next = RunningMachine.start(CLUSTER, machine);

        checkpoint.whenDisk("vda", "Recording", "Recording");
        next.write("vda", "0", "64k");
        assertThat(checkpoint.probe("moved").disk("vda").path("dirtyBytes").asLong())
            .isEqualTo(1 << 16);
      } finally {
        CLUSTER.cordon(Cluster.SECOND_NODE, false);
      }
    }
  }

  @Test
  void aNodeThatIsLostAndComesBackCostsNothing() {
    RunningMachine machine =
        RunningMachine.start(
            CLUSTER,
            VirtualMachine.named("lost", Disk.qcow2("vda"), Disk.qcow2("vdb"))
                .on(Cluster.SECOND_NODE));
    Checkpoint checkpoint = Checkpoint.apply(CLUSTER, "lost", "lost").whenReady();
    machine.write("vda", "0", "64k");

    // One of them may be on that node, and lead; the other one comes to the first.
    CLUSTER.cordon(Cluster.SECOND_NODE, true);
    try (Outage _ = installation.withTwoOperators();
        Outage _ = CLUSTER.withoutNode(Cluster.SECOND_NODE)) {
      checkpoint.when("Unknown", now -> now.disk("vda").path("state").asText().equals("Unknown"));
      await("the node being given up")
          .atMost(Cluster.PATIENCE)
          .until(() -> !isReady(Cluster.SECOND_NODE));
      assertThat(checkpoint.isCondition("Ready", "True")).isTrue();
    } finally {
      CLUSTER.cordon(Cluster.SECOND_NODE, false);
    }

    checkpoint.whenDisk("vda", "Recording", "Recording");
    assertThat(checkpoint.probe("back").disk("vda").path("dirtyBytes").asLong()).isEqualTo(1 << 16);
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

  private static String stateOf(Checkpoint checkpoint, String disk) {
    return checkpoint.disk(disk).path("state").asText();
  }

  private static void assertOneBitmapEach(
      RunningMachine machine, List<Checkpoint> checkpoints, String disk) {
    assertThat(machine.bitmapsButMarkers(disk))
        .as("bitmaps on %s", disk)
        .containsExactlyInAnyOrderElementsOf(
            checkpoints.stream().map(checkpoint -> checkpoint.bitmap(disk)).toList());
  }
}
