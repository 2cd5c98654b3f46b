package dev.vmcheckpoint.sidecar;

import static dev.vmcheckpoint.sidecar.fixture.Failures.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.node.Barrier;
import dev.vmcheckpoint.node.BitmapObservation;
import dev.vmcheckpoint.node.BitmapsDigest;
import dev.vmcheckpoint.node.CheckpointUid;
import dev.vmcheckpoint.node.DiskObservation;
import dev.vmcheckpoint.node.EnsureRequest;
import dev.vmcheckpoint.node.EnsureResponse;
import dev.vmcheckpoint.node.EnsureResponse.CheckpointDisk;
import dev.vmcheckpoint.node.ErrorCode;
import dev.vmcheckpoint.node.MachineObservation;
import dev.vmcheckpoint.node.MachineReport;
import dev.vmcheckpoint.node.MutationContext;
import dev.vmcheckpoint.node.ObserveRequest;
import dev.vmcheckpoint.node.PodUid;
import dev.vmcheckpoint.node.RemoveResponse;
import dev.vmcheckpoint.node.RemoveResponse.Removed;
import dev.vmcheckpoint.qmp.fixture.Qemu;
import dev.vmcheckpoint.qmp.fixture.Tool;
import dev.vmcheckpoint.sidecar.fixture.PodsDirectory;
import dev.vmcheckpoint.sidecar.fixture.RunningSidecar;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;

/** The three calls on a real QEMU with two disks and an empty drive. */
@TestInstance(Lifecycle.PER_CLASS)
final class CheckpointIT {
  private static final PodUid VM = new PodUid("a1");

  private final PodsDirectory pods = PodsDirectory.create();
  private final RunningSidecar sidecar = RunningSidecar.start(pods);
  private final Path volume = pods.volume(VM);
  private final Qemu qemu =
      Qemu.in(volume)
          .disk("vda", Tool.qcow2(volume.resolve("a.qcow2")))
          .disk("vdb", Tool.qcow2(volume.resolve("b.qcow2")))
          .with("-device", "ide-cd,id=cd")
          .start();

  @AfterAll
  void stop() {
    qemu.close();
    sidecar.close();
    pods.close();
  }

  private MachineObservation observe() {
    MachineReport report =
        sidecar
            .api()
            .observe(new ObserveRequest(List.of(new ObserveRequest.Target(VM))))
            .machines()
            .getFirst();
    return ((MachineReport.Observed) report).observation();
  }

  private DiskObservation observe(String disk) {
    return observe().disks().stream()
        .filter(each -> each.name().equals(disk))
        .findFirst()
        .orElseThrow();
  }

  private EnsureResponse ensure(CheckpointUid checkpoint, String... disks) {
    return ensure(
        checkpoint,
        new EnsureRequest(List.of(disks), Optional.empty(), Barrier.Flush, Optional.empty()));
  }

  private EnsureResponse ensure(CheckpointUid checkpoint, EnsureRequest request) {
    return sidecar.api().ensureCheckpoint(VM, checkpoint, request, sidecar.leader());
  }

  private RemoveResponse remove(CheckpointUid checkpoint) {
    return sidecar.api().removeCheckpoint(VM, checkpoint, sidecar.leader());
  }

  @Test
  void anObservationShowsTheMachineAndItsDisks() {
    MachineObservation machine = observe();

    assertThat(machine.qemuVersion()).matches("\\d+\\.\\d+\\.\\d+");
    assertThat(machine.runState()).isEqualTo("running");
    assertThat(machine.runsGuest()).isTrue();
    assertThat(machine.migration()).isEqualTo("none");
    assertThat(machine.disks())
        .extracting(DiskObservation::name)
        .containsExactlyInAnyOrder("vda", "vdb", "cd");
  }

  @Test
  void anObservationShowsWhereADiskIsStored() {
    DiskObservation disk = observe("vda");

    assertThat(disk.writable()).isTrue();
    assertThat(disk.ineligible()).isEmpty();
    assertThat(disk.blockNode()).isEqualTo("vda-node");
    assertThat(disk.virtualSizeBytes()).isEqualTo(16 << 20);
    assertThat(disk.image().orElseThrow().file()).isEqualTo(volume.resolve("a.qcow2").toString());
  }

  @Test
  void anObservationSaysWhyADiskIsIneligible() {
    assertThat(observe("cd").ineligible().orElseThrow().reason()).isEqualTo("NoMedium");
  }

  @Test
  void aCheckpointIsOneBitmapOnEachDisk() {
    EnsureResponse ensured = ensure(new CheckpointUid("c1"), "vda", "vdb");

    assertThat(ensured.adopted()).isFalse();
    assertThat(ensured.flushed()).isTrue();
    assertThat(ensured.disks()).extracting(CheckpointDisk::name).containsExactly("vda", "vdb");
    for (CheckpointDisk disk : ensured.disks()) {
      assertThat(disk.bitmap()).matches("vmcp-c1\\.[0-9a-z]+\\." + disk.name());
      assertThat(qemu.bitmaps(disk.blockNode())).contains(disk.bitmap());
      assertThat(disk.epoch()).isNotEmpty();
    }
  }

  @Test
  void whatTheGuestWritesIsCounted() {
    CheckpointDisk disk = ensure(new CheckpointUid("c2"), "vda").disks().getFirst();

    qemu.guestWrites("vda", "1M");

    assertThat(observe("vda").bitmaps())
        .filteredOn(BitmapObservation::name, disk.bitmap())
        .singleElement()
        .satisfies(
            bitmap -> {
              assertThat(bitmap.dirtyBytes()).isEqualTo(disk.dirtyBytes() + 65536);
              assertThat(bitmap.recording()).isTrue();
              assertThat(bitmap.persistent()).isTrue();
            });
  }

  @Test
  void askingAgainTakesOverWhatIsThere() {
    EnsureResponse first = ensure(new CheckpointUid("c3"), "vda", "vdb");

    EnsureResponse second = ensure(new CheckpointUid("c3"), "vda", "vdb");

    assertThat(second.adopted()).isTrue();
    assertThat(second.disks())
        .extracting(CheckpointDisk::bitmap)
        .isEqualTo(first.disks().stream().map(CheckpointDisk::bitmap).toList());
  }

  @Test
  void theGranularityIsTheOneAskedFor() {
    EnsureResponse ensured =
        ensure(
            new CheckpointUid("c4"),
            new EnsureRequest(
                List.of("vda"), Optional.of(1L << 20), Barrier.None, Optional.empty()));

    assertThat(ensured.flushed()).isFalse();
    assertThat(ensured.disks().getFirst().granularityBytes()).isEqualTo(1 << 20);
  }

  @Test
  void removingACheckpointTouchesNoOther() {
    ensure(new CheckpointUid("c5"), "vdb");
    String other = ensure(new CheckpointUid("c6"), "vdb").disks().getFirst().bitmap();

    assertThat(remove(new CheckpointUid("c5")).removed())
        .extracting(Removed::disk)
        .containsExactly("vdb");

    assertThat(qemu.bitmaps("vdb-node"))
        .contains(other)
        .noneMatch(name -> name.startsWith("vmcp-c5."));
  }

  @Test
  void removingWhatIsNotThereIsSuccess() {
    assertThat(remove(new CheckpointUid("c7"))).isEqualTo(new RemoveResponse(List.of(), List.of()));
  }

  @Test
  void aCallerWhoSawOtherBitmapsChangesNothing() {
    CheckpointUid checkpoint = new CheckpointUid("c9");
    Optional<String> seen = Optional.of(BitmapsDigest.of(observe(), checkpoint));
    EnsureRequest late =
        new EnsureRequest(List.of("vda", "vdb"), Optional.empty(), Barrier.Flush, seen);
    List<CheckpointDisk> made = ensure(checkpoint, late).disks();
    String lost = made.getFirst().bitmap();
    String other = made.getLast().bitmap();
    sidecar.api().removeBitmap(VM, checkpoint, lost, sidecar.leader());

    assertRefused(ErrorCode.StaleObservation, () -> ensure(checkpoint, late));

    assertThat(qemu.bitmaps("vda-node")).noneMatch(name -> name.startsWith("vmcp-c9."));
    assertThat(qemu.bitmaps("vdb-node")).contains(other);
  }

  @Test
  void aCallerWhoLookedAgainHasThemMadeAnew() {
    CheckpointUid checkpoint = new CheckpointUid("ca");
    List<CheckpointDisk> made = ensure(checkpoint, "vda", "vdb").disks();
    String lost = made.getFirst().bitmap();
    String other = made.getLast().bitmap();
    sidecar.api().removeBitmap(VM, checkpoint, lost, sidecar.leader());
    Optional<String> seen = Optional.of(BitmapsDigest.of(observe(), checkpoint));

    ensure(
        checkpoint,
        new EnsureRequest(List.of("vda", "vdb"), Optional.empty(), Barrier.Flush, seen));

    assertThat(qemu.bitmaps("vdb-node"))
        .filteredOn(name -> name.startsWith("vmcp-ca."))
        .singleElement()
        .isNotEqualTo(other);
  }

  @Test
  void aCallerWhoSawAnEarlierSidecarChangesNothing() {
    MutationContext stale = new MutationContext("an-earlier-start", 1, 10_000);
    EnsureRequest request =
        new EnsureRequest(List.of("vda"), Optional.empty(), Barrier.Flush, Optional.empty());

    assertRefused(
        ErrorCode.StaleStartId,
        () -> sidecar.api().ensureCheckpoint(VM, new CheckpointUid("c8"), request, stale));

    assertThat(qemu.bitmaps("vda-node")).noneMatch(name -> name.startsWith("vmcp-c8."));
  }
}
