package dev.vmcheckpoint.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.vmcheckpoint.e2e.fixture.Checkpoint;
import dev.vmcheckpoint.e2e.fixture.Cluster;
import dev.vmcheckpoint.e2e.fixture.Commands;
import dev.vmcheckpoint.e2e.fixture.Disk;
import dev.vmcheckpoint.e2e.fixture.Installation;
import dev.vmcheckpoint.e2e.fixture.Installation.Outage;
import dev.vmcheckpoint.e2e.fixture.RunningMachine;
import dev.vmcheckpoint.e2e.fixture.SharedStorage;
import dev.vmcheckpoint.e2e.fixture.VirtualMachine;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A deletion ends, whatever is there no longer, and what it had to leave behind goes later. */
class DeletionE2E {
  @RegisterExtension static final Cluster CLUSTER = new Cluster("deletion");

  private final Installation installation = new Installation(CLUSTER);

  @Test
  void whatAStoppedMachineKeepsIsRemovedWhenItRunsAgain() {
    try (SharedStorage storage = SharedStorage.make(CLUSTER, "stopped")) {
      VirtualMachine machine = VirtualMachine.named("stopped", Disk.qcow2("vda")).with(storage);
      RunningMachine first = RunningMachine.start(CLUSTER, machine);
      Checkpoint checkpoint = Checkpoint.apply(CLUSTER, "stopped", "stopped").whenReady();
      String uid = checkpoint.uid();
      first.delete();

      checkpoint.delete();

      checkpoint.whenTold("BitmapsLeftBehind");
      RunningMachine second = RunningMachine.start(CLUSTER, machine);
      await("the removal of what was left behind")
          .atMost(Cluster.PATIENCE)
          .until(() -> second.bitmapsOf(uid, "vda").isEmpty());
    }
  }

  @Test
  void aMachineWithTheDisksOfAnotherKeepsWhatIsNotItsOwn() {
    try (SharedStorage storage = SharedStorage.make(CLUSTER, "cloned")) {
      VirtualMachine origin = VirtualMachine.named("origin", Disk.qcow2("vda")).with(storage);
      RunningMachine first = RunningMachine.start(CLUSTER, origin);
      Checkpoint checkpoint = Checkpoint.apply(CLUSTER, "origin", "origin").whenReady();
      String uid = checkpoint.uid();
      first.delete();
      checkpoint.delete();
      checkpoint.whenTold("BitmapsLeftBehind");

      RunningMachine clone =
          RunningMachine.start(
              CLUSTER, VirtualMachine.named("clone", Disk.qcow2("vda")).with(storage));
      Checkpoint other = Checkpoint.apply(CLUSTER, "clone", "clone").whenReady();
      other.probe("looked-at");

      assertThat(clone.bitmapsOf(uid, "vda")).hasSize(1);
      assertThat(other.isCondition("Valid", "True")).isTrue();
    }
  }

  @Test
  void aCheckpointDeletedWhileNoOperatorRunsGoesWhenOneDoes() {
    RunningMachine machine =
        RunningMachine.start(CLUSTER, VirtualMachine.named("absent", Disk.qcow2("vda")));
    Checkpoint checkpoint = Checkpoint.apply(CLUSTER, "absent", "absent").whenReady();
    String uid = checkpoint.uid();

    try (Outage _ = installation.withoutOperator()) {
      checkpoint.beginToDelete();
      assertThat(machine.bitmapsOf(uid, "vda")).hasSize(1);
    }

    checkpoint.whenGone();
    assertThat(machine.bitmapsOf(uid, "vda")).isEmpty();
  }

  @Test
  void aNamespaceThatIsDeletedLeavesNoBitmapThatIsNotOnRecord() {
    Cluster other = new Cluster("deletion-all");
    other.makeNamespace();
    try (SharedStorage storage = SharedStorage.make(other, "all")) {
      RunningMachine.start(other, VirtualMachine.named("db-0", Disk.qcow2("vda")).with(storage));
      List<String> uids =
          Stream.of("one", "two")
              .map(name -> Checkpoint.apply(other, name, "db-0").whenReady().uid())
              .toList();

      other.deleteNamespace();

      String image = storage.folder().resolve("vda.img").toString();
      String info = Commands.output("qemu-img", "info", "--output=json", image);
      assertThat(uids)
          .filteredOn(uid -> info.contains("vmcp-%s.".formatted(uid)))
          .isSubsetOf(installation.leftBehind());
    }
  }

  @Test
  void aCrdThatIsRemovedTakesTheBitmapsAlongAndCanComeBack() {
    RunningMachine machine =
        RunningMachine.start(CLUSTER, VirtualMachine.named("crd", Disk.qcow2("vda")));
    Checkpoint.apply(CLUSTER, "crd", "crd").whenReady();

    try (Outage _ = installation.withoutCrd()) {
      assertThat(machine.bitmaps("vda")).isEmpty();
    }

    Checkpoint.apply(CLUSTER, "crd", "crd").whenReady();
  }
}
