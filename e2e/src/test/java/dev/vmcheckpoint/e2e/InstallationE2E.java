package dev.vmcheckpoint.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.vmcheckpoint.e2e.fixture.Administrator;
import dev.vmcheckpoint.e2e.fixture.Checkpoint;
import dev.vmcheckpoint.e2e.fixture.Cluster;
import dev.vmcheckpoint.e2e.fixture.Disk;
import dev.vmcheckpoint.e2e.fixture.Figures;
import dev.vmcheckpoint.e2e.fixture.RunningMachine;
import dev.vmcheckpoint.e2e.fixture.VirtualMachine;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * The system is installed, upgraded and removed while machines run and have checkpoints. After each
 * test it is installed again, as {@code e2e/cluster/install} does.
 */
class InstallationE2E {
  @RegisterExtension static final Cluster CLUSTER = new Cluster("installation");

  private static final String OPERATOR_NAMESPACE = "vmcheckpoint-system";

  /** So many are in flight at most: each takes memory of its machine. */
  private static final int MOST = 20;

  private final Administrator administrator = new Administrator(CLUSTER);

  @AfterEach
  void installAgain() {
    administrator.installs();
  }

  @Test
  void aReleaseOfHelmIsUpgradedAndRolledBackWhileCheckpointsAreMadeAndDeleted() {
    administrator.followsTheDocument("kubectl delete -k manifests/base");
    administrator.runs(
        "helm install vmcheckpoint manifests/chart --namespace default --wait --timeout 3m");
    RunningMachine machine = start("released");

    whole(
        machine,
        "upgraded",
        "helm upgrade vmcheckpoint manifests/chart --namespace default --wait --timeout 3m"
            + " --set operator.extraArgs={--max-checkpoints-per-disk=100}"
            + " --set sidecar.resources.requests.cpu=11m");
    whole(
        machine,
        "rolled-back",
        "helm rollback vmcheckpoint 1 --namespace default --wait --timeout 3m");

    administrator.runs(
        """
        kubectl delete vmcp --all --all-namespaces
        helm uninstall vmcheckpoint --namespace default --wait
        kubectl delete -k crds
        """);
    assertThat(machine.bitmaps("vda")).isEmpty();
    administrator.findsNothingLeft();
  }

  /** Runs a command while checkpoints are made and deleted, one after another. */
  private void whole(RunningMachine machine, String label, String command) {
    CompletableFuture<String> running =
        CompletableFuture.supplyAsync(() -> administrator.runs(command));
    List<Checkpoint> staying = new ArrayList<>();
    List<Checkpoint> going = new ArrayList<>();
    while (staying.isEmpty() || (!running.isDone() && staying.size() < MOST)) {
      String name = "%s-%d".formatted(label, staying.size());
      Checkpoint gone = Checkpoint.apply(CLUSTER, name + "-gone", "released");
      gone.beginToDelete();
      going.add(gone);
      staying.add(Checkpoint.apply(CLUSTER, name, "released").whenReady());
    }
    running.join();

    going.forEach(Checkpoint::whenGone);
    staying.forEach(checkpoint -> checkpoint.probe(label));
    assertThat(staying)
        .allSatisfy(
            checkpoint ->
                assertThat(checkpoint.disk("vda").path("state").asText()).isEqualTo("Recording"));
    assertThat(machine.bitmapsButMarkers("vda"))
        .containsExactlyInAnyOrderElementsOf(
            staying.stream().map(checkpoint -> checkpoint.bitmap("vda")).toList());
    System.out.printf(
        "FIGURE %-36s %d made, %d deleted meanwhile: %d Recording, 0 others%n",
        "release, " + label + ":", staying.size(), going.size(), staying.size());
    staying.forEach(Checkpoint::beginToDelete);
    staying.forEach(Checkpoint::whenGone);
  }

  @Test
  void removedInTheDocumentedOrderNothingIsLeft() {
    RunningMachine machine = start("removed");
    established("removed");

    administrator.followsTheDocument("kubectl delete -k manifests/base");

    assertThat(machine.bitmaps("vda")).isEmpty();
    administrator.findsNothingLeft();

    long begin = System.nanoTime();
    administrator.installs();
    Figures.print("kubectl apply -k to both ready", (System.nanoTime() - begin) / 1_000_000, "ms");
    established("removed");
  }

  @Test
  void removedWithItsNamespacesFirstAnotherInstallationEndsWhatIsDeleted() {
    RunningMachine machine = start("namespaces");
    Checkpoint checkpoint = established("namespaces");
    String uid = checkpoint.uid();

    administrator.runs("kubectl delete namespace vmcheckpoint-system vmcheckpoint-node");
    checkpoint.beginToDelete();
    assertThat(machine.bitmapsOf(uid, "vda")).hasSize(1);
    administrator.installs();

    checkpoint.whenGone();
    assertThat(machine.bitmapsOf(uid, "vda")).isEmpty();
  }

  @Test
  void removedBeforeItsCheckpointsTheDocumentedWayOutLetsThemGo() {
    RunningMachine machine = start("stuck");
    Checkpoint checkpoint = established("stuck");
    String uid = checkpoint.uid();
    String bitmap = checkpoint.bitmap("vda");

    administrator.runs(
        """
        kubectl delete namespace vmcheckpoint-system
        kubectl delete -k manifests/base --wait=false --ignore-not-found
        """);
    await("the end of the operator")
        .atMost(Cluster.PATIENCE)
        .until(() -> CLUSTER.client().namespaces().withName(OPERATOR_NAMESPACE).get() == null);
    assertThat(checkpoint.uid()).isEqualTo(uid);
    administrator.followsTheDocument("finalizers");

    administrator.findsNothingLeft();
    assertThat(machine.bitmapsOf(uid, "vda")).containsExactly(bitmap);
    machine.command(
        "block-dirty-bitmap-remove", "{\"node\":\"vda-format\",\"name\":\"%s\"}".formatted(bitmap));
    assertThat(machine.bitmapsOf(uid, "vda")).isEmpty();
  }

  private static RunningMachine start(String name) {
    return RunningMachine.start(CLUSTER, VirtualMachine.named(name, Disk.qcow2("vda")));
  }

  private static Checkpoint established(String machine) {
    return Checkpoint.apply(CLUSTER, machine, machine).whenReady();
  }
}
