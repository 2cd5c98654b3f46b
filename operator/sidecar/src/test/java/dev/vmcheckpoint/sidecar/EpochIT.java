package dev.vmcheckpoint.sidecar;

import static dev.vmcheckpoint.sidecar.fixture.Failures.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.node.Barrier;
import dev.vmcheckpoint.node.BitmapObservation;
import dev.vmcheckpoint.node.CheckpointUid;
import dev.vmcheckpoint.node.DiskObservation;
import dev.vmcheckpoint.node.EnsureRequest;
import dev.vmcheckpoint.node.EnsureResponse.CheckpointDisk;
import dev.vmcheckpoint.node.EpochRequest;
import dev.vmcheckpoint.node.ErrorCode;
import dev.vmcheckpoint.node.MachineReport;
import dev.vmcheckpoint.node.MutationContext;
import dev.vmcheckpoint.node.ObserveRequest;
import dev.vmcheckpoint.node.PodUid;
import dev.vmcheckpoint.node.RemoveResponse;
import dev.vmcheckpoint.node.RemoveResponse.Below;
import dev.vmcheckpoint.node.RemoveResponse.Removed;
import dev.vmcheckpoint.node.Retry;
import dev.vmcheckpoint.qmp.fixture.Layers;
import dev.vmcheckpoint.qmp.fixture.Qemu;
import dev.vmcheckpoint.qmp.fixture.Tool;
import dev.vmcheckpoint.sidecar.fixture.PodsDirectory;
import dev.vmcheckpoint.sidecar.fixture.RunningSidecar;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A disk through its openings and overlays, by the calls of the operator. */
final class EpochIT {
  private static final PodUid VM = new PodUid("a1");
  private static final CheckpointUid CHECKPOINT = new CheckpointUid("c1");

  private final PodsDirectory pods = PodsDirectory.create();
  private final RunningSidecar sidecar = RunningSidecar.start(pods);
  private final Path volume = pods.volume(VM);
  private final Path image = Tool.qcow2(volume.resolve("a.qcow2"));
  private final Path overlay = volume.resolve("top.qcow2");
  private Qemu qemu = start(image);

  @AfterEach
  void stop() {
    qemu.close();
    sidecar.close();
    pods.close();
  }

  private Qemu start(Path disk) {
    return Qemu.in(volume).disk("vda", disk).start();
  }

  private void restart(Path disk) {
    qemu.quit();
    qemu.close();
    qemu = start(disk);
  }

  // What is answered

  @Test
  void anotherOpeningIsMarkedAndShownAsAQueryShowsIt() {
    CheckpointDisk recorded = ensure();
    restart(image);

    DiskObservation vda = renew(recorded.epoch(), List.of(), List.of());

    assertThat(vda).isEqualTo(observe());
    String epoch = openEpoch(vda);
    assertThat(epoch).isNotEqualTo(recorded.epoch());
    assertThat(vda.bitmaps())
        .extracting(BitmapObservation::name)
        .containsExactlyInAnyOrder(
            recorded.bitmap(),
            "vmcp-epoch." + recorded.epoch(),
            "vmcp-epoch." + epoch,
            "vmcp-open." + epoch);
  }

  @Test
  void aReplacedMarkerIsRemoved() {
    CheckpointDisk recorded = ensure();
    restart(image);
    String epoch = openEpoch(renew(recorded.epoch(), List.of(), List.of()));

    DiskObservation vda = renew(epoch, List.of(), List.of(recorded.epoch()));

    assertThat(vda.bitmaps())
        .extracting(BitmapObservation::name)
        .doesNotContain("vmcp-epoch." + recorded.epoch())
        .contains("vmcp-epoch." + epoch);
  }

  @Test
  void anObservationShowsWhatLowerLayersHave() {
    CheckpointDisk recorded = ensure();
    Layers.snapshot(qemu, "vda-node", "top", Layers.overlay(overlay, image));

    DiskObservation vda = observe();

    assertThat(vda.bitmaps()).isEmpty();
    assertThat(vda.lower())
        .singleElement()
        .satisfies(
            layer -> {
              assertThat(layer.file()).isEqualTo(image.toString());
              assertThat(layer.bitmaps())
                  .extracting(BitmapObservation::name)
                  .containsExactlyInAnyOrder(
                      recorded.bitmap(),
                      "vmcp-epoch." + recorded.epoch(),
                      "vmcp-open." + recorded.epoch());
            });
  }

  @Test
  void aLayerWithoutBitmapsOfOursIsNotShown() {
    Layers.snapshot(qemu, "vda-node", "top", Layers.overlay(overlay, image));

    assertThat(observe().lower()).isEmpty();
    assertThat(observe().image().orElseThrow().backing()).containsExactly(image.toString());
  }

  @Test
  void aCarriedOverlayIsBroughtUpToDate() {
    CheckpointDisk recorded = ensure();
    qemu.guestWrites("vda", "1M");
    Layers.snapshotCarryingBitmaps(qemu, "vda-node", "top", Layers.overlay(overlay, image));
    long carried = dirtyBytes(observe(), recorded.bitmap());

    DiskObservation vda = renew(recorded.epoch(), List.of(recorded.bitmap()), List.of());

    assertThat(carried).isZero();
    assertThat(dirtyBytes(vda, recorded.bitmap())).isGreaterThanOrEqualTo(65536);
    assertThat(vda.image().orElseThrow().file()).isEqualTo(overlay.toString());
  }

  // What is refused

  @Test
  void aDiskWithoutTheMarkerOnRecordIsRefusedForGood() {
    ensure();
    restart(image);
    List<String> before = qemu.bitmaps("vda-node");

    assertThat(
            assertRefused(ErrorCode.EpochMissing, () -> renew("0", List.of(), List.of())).retry())
        .isEqualTo(Retry.FINAL);
    assertThat(qemu.bitmaps("vda-node")).isEqualTo(before);
  }

  @Test
  void aListThatCannotBeMadeWholeIsRefused() {
    CheckpointDisk recorded = ensure();
    Layers.snapshot(qemu, "vda-node", "top", Layers.overlay(overlay, image));

    assertRefused(
        ErrorCode.MergeImpossible,
        () -> renew(recorded.epoch(), List.of(recorded.bitmap()), List.of()));
    assertThat(qemu.bitmaps("top")).isEmpty();
  }

  @Test
  void theMarkerOfThePresentOpeningIsNotRemoved() {
    CheckpointDisk recorded = ensure();
    restart(image);
    String open = openEpoch(renew(recorded.epoch(), List.of(), List.of()));

    assertThat(
            assertRefused(
                    ErrorCode.InvalidRequest,
                    () -> renew(recorded.epoch(), List.of(), List.of(open)))
                .detail())
        .endsWith(
            "the marker vmcp-epoch.%s of disk vda is that of the present opening, and is not removed"
                .formatted(open));
    assertThat(observe().bitmaps())
        .extracting(BitmapObservation::name)
        .contains("vmcp-epoch." + open);
  }

  @Test
  void aCallerThatDidNotLookSinceTheSidecarStartedHasTo() {
    CheckpointDisk recorded = ensure();
    MutationContext stale = new MutationContext("another", 1, 10_000);

    assertRefused(
        ErrorCode.StaleStartId,
        () -> sidecar.api().renewEpoch(VM, request(recorded.epoch(), List.of(), List.of()), stale));
    assertRefused(
        ErrorCode.StaleStartId,
        () -> sidecar.api().removeBitmap(VM, CHECKPOINT, recorded.bitmap(), stale));
  }

  // One bitmap

  @Test
  void whatIsLeftOfALostBitmapIsRemovedByName() {
    CheckpointDisk recorded = ensure();
    restart(image);
    qemu.process().destroyForcibly().onExit().join();
    qemu.close();
    qemu = start(image);
    assertThat(observe().bitmaps())
        .filteredOn(BitmapObservation::name, recorded.bitmap())
        .allMatch(BitmapObservation::inconsistent);

    RemoveResponse response = removeBitmap(recorded.bitmap());

    assertThat(response)
        .isEqualTo(new RemoveResponse(List.of(new Removed("vda", recorded.bitmap())), List.of()));
    assertThat(observe().bitmaps()).isEmpty();
  }

  @Test
  void aBitmapInALowerLayerStays() {
    CheckpointDisk recorded = ensure();
    Layers.snapshot(qemu, "vda-node", "top", Layers.overlay(overlay, image));

    assertThat(removeBitmap(recorded.bitmap()))
        .isEqualTo(
            new RemoveResponse(
                List.of(), List.of(new Below("vda", image.toString(), recorded.bitmap()))));
  }

  private CheckpointDisk ensure() {
    return sidecar
        .api()
        .ensureCheckpoint(
            VM,
            CHECKPOINT,
            new EnsureRequest(List.of("vda"), Optional.empty(), Barrier.Flush, Optional.empty()),
            sidecar.leader())
        .disks()
        .getFirst();
  }

  private static EpochRequest request(String recorded, List<String> merge, List<String> remove) {
    return new EpochRequest(List.of(new EpochRequest.Disk("vda", recorded, merge, remove, false)));
  }

  private DiskObservation renew(String recorded, List<String> merge, List<String> remove) {
    return sidecar
        .api()
        .renewEpoch(VM, request(recorded, merge, remove), sidecar.leader())
        .disks()
        .getFirst();
  }

  private RemoveResponse removeBitmap(String bitmap) {
    return sidecar.api().removeBitmap(VM, CHECKPOINT, bitmap, sidecar.leader());
  }

  private DiskObservation observe() {
    MachineReport report =
        sidecar
            .api()
            .observe(new ObserveRequest(List.of(new ObserveRequest.Target(VM))))
            .machines()
            .getFirst();
    return ((MachineReport.Observed) report).observation().disks().getFirst();
  }

  private static String openEpoch(DiskObservation disk) {
    return disk.bitmaps().stream()
        .map(BitmapObservation::name)
        .filter(name -> name.startsWith("vmcp-open."))
        .map(name -> name.substring("vmcp-open.".length()))
        .findFirst()
        .orElseThrow();
  }

  private static long dirtyBytes(DiskObservation disk, String bitmap) {
    return disk.bitmaps().stream()
        .filter(each -> each.name().equals(bitmap))
        .mapToLong(BitmapObservation::dirtyBytes)
        .findFirst()
        .orElseThrow();
  }
}
