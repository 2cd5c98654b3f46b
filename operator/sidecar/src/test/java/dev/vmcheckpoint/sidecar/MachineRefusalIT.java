package dev.vmcheckpoint.sidecar;

import static dev.vmcheckpoint.sidecar.fixture.Failures.assertNotObserved;
import static dev.vmcheckpoint.sidecar.fixture.Failures.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.node.Barrier;
import dev.vmcheckpoint.node.CheckpointUid;
import dev.vmcheckpoint.node.EnsureRequest;
import dev.vmcheckpoint.node.EnsureResponse;
import dev.vmcheckpoint.node.ErrorCode;
import dev.vmcheckpoint.node.PodUid;
import dev.vmcheckpoint.node.Problem;
import dev.vmcheckpoint.qmp.fixture.Layers;
import dev.vmcheckpoint.qmp.fixture.Qemu;
import dev.vmcheckpoint.qmp.fixture.Tool;
import dev.vmcheckpoint.sidecar.fixture.PodsDirectory;
import dev.vmcheckpoint.sidecar.fixture.RunningSidecar;
import java.io.IOException;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;

/** What a real QEMU is in no state for, and what it refuses. */
@TestInstance(Lifecycle.PER_CLASS)
final class MachineRefusalIT {
  private static final PodUid VM = new PodUid("a1");
  private static final CheckpointUid CHECKPOINT = new CheckpointUid("c1");
  private static final CheckpointUid OTHER = new CheckpointUid("c2");

  private final PodsDirectory pods = PodsDirectory.create();
  private final RunningSidecar sidecar = RunningSidecar.start(pods);
  private final Path volume = pods.volume(VM);
  private final Qemu qemu =
      Qemu.in(volume)
          .disk("vda", Tool.qcow2(volume.resolve("a.qcow2")))
          .disk("old", Tool.image(volume.resolve("old.qcow2"), "qcow2", "16M", "compat=0.10"))
          .disk("huge", Tool.image(volume.resolve("huge.qcow2"), "qcow2", "4T", "compat=1.1"))
          .with(
              "-blockdev",
              "driver=qcow2,node-name=sick-node,file.driver=blkdebug,"
                  + "file.inject-error.0.event=flush_to_os,file.inject-error.0.errno=5,"
                  + "file.image.driver=file,file.image.filename="
                  + Tool.qcow2(volume.resolve("sick.qcow2")))
          .device("sick", "sick-node")
          .start();

  @AfterAll
  void stop() {
    qemu.close();
    sidecar.close();
    pods.close();
  }

  private EnsureResponse ensure(PodUid machine, CheckpointUid checkpoint, String disk) {
    return ensure(machine, checkpoint, disk, Optional.empty());
  }

  private EnsureResponse ensure(
      PodUid machine, CheckpointUid checkpoint, String disk, Optional<Long> granularityBytes) {
    return sidecar
        .api()
        .ensureCheckpoint(
            machine,
            checkpoint,
            new EnsureRequest(List.of(disk), granularityBytes, Barrier.Flush, Optional.empty()),
            sidecar.leader());
  }

  private Problem assertEnsureRefused(ErrorCode code, PodUid machine, String disk) {
    return assertRefused(code, () -> ensure(machine, CHECKPOINT, disk));
  }

  @Test
  void aDiskThatIsNotThereIsUnknown() {
    assertThat(assertEnsureRefused(ErrorCode.DiskUnknown, VM, "vdz").detail()).contains("vdz");
  }

  @Test
  void aDiskThatHoldsNoBitmapIsIneligible() {
    assertThat(assertEnsureRefused(ErrorCode.DiskIneligible, VM, "old").detail()).contains("old");
  }

  @Test
  void whatQemuRefusesIsSaidInItsWords() {
    Problem problem =
        assertRefused(ErrorCode.Refused, () -> ensure(VM, CHECKPOINT, "huge", Optional.of(512L)));

    assertThat(problem.detail()).contains("Too much space will be occupied by the bitmap");
    assertThat(qemu.bitmaps("huge-node")).isEmpty();
  }

  @Test
  void aFlushThatFailsLeavesTheBitmap() {
    qemu.guestWrites("sick", "0");

    assertEnsureRefused(ErrorCode.FlushPending, VM, "sick");

    assertThat(qemu.bitmaps("sick-node")).anyMatch(name -> name.startsWith("vmcp-c1."));
  }

  @Test
  void aBitmapThatAnExportUsesIsBusy() {
    String bitmap = ensure(VM, OTHER, "vda").disks().getFirst().bitmap();
    qemu.qmp(
        "nbd-server-start",
        "{\"addr\": {\"type\": \"unix\", \"data\": {\"path\": \"%s\"}}}"
            .formatted(volume.resolve("nbd.sock")));
    qemu.qmp(
        "block-dirty-bitmap-disable",
        "{\"node\": \"vda-node\", \"name\": \"%s\"}".formatted(bitmap));
    qemu.qmp(
        "block-export-add",
        "{\"type\": \"nbd\", \"id\": \"e\", \"node-name\": \"vda-node\", \"bitmaps\": [\"%s\"]}"
            .formatted(bitmap));

    assertRefused(
        ErrorCode.BitmapBusy, () -> sidecar.api().removeCheckpoint(VM, OTHER, sidecar.leader()));
    assertThat(qemu.bitmaps("vda-node")).contains(bitmap);
    qemu.qmp("nbd-server-stop", "{}");
  }

  @Test
  void aMachineThatWaitsForItsMigrationDoesNotRunItsGuest() {
    PodUid target = new PodUid("b2");
    Path directory = pods.volume(target);
    try (Qemu _ =
        Qemu.in(directory)
            .disk("vda", Tool.qcow2(directory.resolve("a.qcow2")))
            .with("-incoming", "defer")
            .start()) {
      assertEnsureRefused(ErrorCode.GuestNotRunning, target, "vda");
    }
  }

  @Test
  void aMachineThatMigratesIsLeftAlone() {
    PodUid source = new PodUid("b3");
    Path directory = pods.volume(source);
    try (Qemu migrating =
        Qemu.in(directory).disk("vda", Tool.qcow2(directory.resolve("a.qcow2"))).start()) {
      migrating.qmp("migrate", "{\"uri\": \"exec:sleep 60\"}");

      assertEnsureRefused(ErrorCode.Migrating, source, "vda");
      migrating.qmp("migrate_cancel", "{}");
    }
  }

  @Test
  void aMachineWithAStreamIsNotLookedAtAndLives() {
    PodUid streaming = new PodUid("b5");
    Path directory = pods.volume(streaming);
    Path base = Tool.qcow2(directory.resolve("base.qcow2"));
    try (Qemu other =
        Qemu.in(directory)
            .disk("vda", Layers.overlay(directory.resolve("top.qcow2"), base))
            .start()) {
      other.qmp(
          "block-stream", "{\"job-id\": \"s\", \"device\": \"vda-node\", \"auto-dismiss\": false}");

      assertNotObserved(ErrorCode.BlockJobPending, sidecar, streaming);
      assertEnsureRefused(ErrorCode.BlockJobPending, streaming, "vda");
      assertThat(other.process().isAlive()).isTrue();
    }
  }

  @Test
  void aMonitorThatAnotherClientHoldsIsBusy() throws IOException {
    PodUid held = new PodUid("b4");
    try (RunningSidecar impatient = RunningSidecar.impatient(pods);
        Qemu other = Qemu.in(pods.volume(held)).start();
        SocketChannel _ = other.connect()) {
      assertNotObserved(ErrorCode.MonitorBusy, impatient, held);
    }
  }
}
