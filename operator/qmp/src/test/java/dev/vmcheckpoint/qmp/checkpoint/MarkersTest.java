package dev.vmcheckpoint.qmp.checkpoint;

import static dev.vmcheckpoint.qmp.checkpoint.Machines.above;
import static dev.vmcheckpoint.qmp.checkpoint.Machines.disk;
import static dev.vmcheckpoint.qmp.checkpoint.Machines.diskOn;
import static dev.vmcheckpoint.qmp.checkpoint.Machines.healthy;
import static dev.vmcheckpoint.qmp.checkpoint.Machines.layer;
import static dev.vmcheckpoint.qmp.checkpoint.Machines.stored;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.vmcheckpoint.qmp.machine.Bitmap;
import dev.vmcheckpoint.qmp.machine.Disk;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

final class MarkersTest {
  private static final String CHECKPOINT = "vmcp-0f9b4c9e-6f0e-4f6c-9d6b-2f5f6f0c1a11.a1.vda";

  @Test
  void anOpeningThatIsNotMarkedGetsThePersistentMarkerFirst() {
    List<String> names = namesMissingOn(disk("vda"));

    assertThat(names).hasSize(2);
    assertThat(names.getFirst()).matches("vmcp-epoch\\.[0-9a-f]{32}");
    assertThat(names.getLast()).isEqualTo(names.getFirst().replace("epoch", "open"));
  }

  @Test
  void markersAreDisabledAndCoarse() {
    assertThat(Markers.missing(List.of(disk("vda")), new Ids()))
        .allSatisfy(
            addition -> {
              assertThat(addition.arguments().path("disabled").booleanValue()).isTrue();
              assertThat(addition.arguments().path("granularity").longValue()).isEqualTo(1L << 31);
            })
        .extracting(Addition::persistent)
        .containsExactly(true, false);
  }

  @Test
  void anOpeningThatIsMarkedNeedsNothing() {
    assertThat(namesMissingOn(disk("vda", healthy("vmcp-epoch.7"), healthy("vmcp-open.7"))))
        .isEmpty();
  }

  @Test
  void thePersistentMarkerOfAnEarlierOpeningDoesNotCount() {
    assertThat(namesMissingOn(disk("vda", healthy("vmcp-epoch.7"))))
        .hasSize(2)
        .doesNotContain("vmcp-epoch.7", "vmcp-open.7");
  }

  @Test
  void anOpeningWhosePersistentMarkerWasTakenAwayIsMarkedAnew() {
    assertThat(namesMissingOn(disk("vda", healthy("vmcp-open.7"))))
        .hasSize(2)
        .doesNotContain("vmcp-epoch.7", "vmcp-open.7");
  }

  @Test
  void anOpeningWhosePersistentMarkerTheImageListsAlreadyIsMarkedAnew() {
    assertThat(namesMissingOn(disk("vda", stored("vmcp-epoch.7"), healthy("vmcp-open.7"))))
        .hasSize(2)
        .doesNotContain("vmcp-epoch.7", "vmcp-open.7");
  }

  @Test
  void ofTwoMarkedOpeningsTheOneThatNoImageListsIsThePresentOne() {
    assertThat(
            Markers.openId(
                disk(
                    "vda",
                    stored("vmcp-epoch.5"),
                    healthy("vmcp-open.5"),
                    healthy("vmcp-epoch.7"),
                    healthy("vmcp-open.7"))))
        .contains("7");
  }

  @Test
  void aNodeThatTwoDevicesShareIsMarkedOnce() {
    assertThat(namesMissingOn(diskOn("n", "vda"), diskOn("n", "vdb"))).hasSize(2);
  }

  @Test
  void aLowerLayerWithACheckpointsBitmapGetsTheTransientMarkerBeforeTheImageOnTop() {
    Disk vda = above(disk("vda"), layer("low", healthy(CHECKPOINT)), layer("plain"));

    assertThat(Markers.missing(List.of(vda), new Ids()))
        .extracting(addition -> addition.bitmap().node(), Addition::persistent)
        .containsExactly(
            tuple("vda-node", true), tuple("low-node", false), tuple("vda-node", false));
  }

  @Test
  void aLowerLayerThatWasActiveInThisOpeningGetsThatOfTheImageOnTopAsWell() {
    assertThat(
            namesMissingOn(
                above(
                    disk("vda", healthy("vmcp-epoch.7"), healthy("vmcp-open.7")),
                    layer("low", healthy(CHECKPOINT), healthy("vmcp-open.5")))))
        .containsExactly("vmcp-open.7");
  }

  @Test
  void aLowerLayerKeepsAFewMarkersOfOtherOpenings() {
    assertThat(Markers.tooManyBelow(aboveALayerWithMarkersOfOthers(8), Set.of())).isEmpty();
  }

  @Test
  void ofTooManyTheOldestGoWhichQemuListsLast() {
    assertThat(Markers.tooManyBelow(aboveALayerWithMarkersOfOthers(10), Set.of()))
        .allSatisfy(marker -> assertThat(marker.node()).isEqualTo("low-node"))
        .extracting(BitmapAt::name)
        .containsExactly("vmcp-open.8", "vmcp-open.9");
  }

  @Test
  void whatIsOnRecordStaysHoweverOldItIs() {
    assertThat(Markers.tooManyBelow(aboveALayerWithMarkersOfOthers(10), Set.of("9")))
        .extracting(BitmapAt::name)
        .containsExactly("vmcp-open.8");
  }

  @Test
  void aNodeBelowOneDiskThatIsAnothersActiveOneIsMarkedForBoth() {
    Disk above =
        above(
            disk("vda", healthy("vmcp-epoch.7"), healthy("vmcp-open.7")),
            layer("vdb", healthy(CHECKPOINT), healthy("vmcp-open.7")));

    assertThat(namesMissingOn(above, disk("vdb", healthy(CHECKPOINT)))).hasSize(2);
  }

  private static Disk aboveALayerWithMarkersOfOthers(int number) {
    List<Bitmap> markers = new ArrayList<>();
    IntStream.range(0, number).forEach(i -> markers.add(healthy("vmcp-open." + i)));
    markers.add(healthy("vmcp-open.top"));
    markers.add(healthy("vmcp-open.own"));
    markers.add(healthy("vmcp-epoch.own"));
    return above(
        disk("vda", healthy("vmcp-epoch.top"), healthy("vmcp-open.top")),
        layer("low", markers.toArray(Bitmap[]::new)));
  }

  @Test
  void ofAnImageThatWasALowerLayerTheMarkerOfItsOwnOpeningCounts() {
    assertThat(
            Markers.openId(
                disk(
                    "vda",
                    healthy("vmcp-open.7"),
                    healthy("vmcp-open.5"),
                    healthy("vmcp-epoch.5"))))
        .contains("5");
  }

  @Test
  void theEpochIsKnownWhereBothMarkersAreThere() {
    assertThat(Markers.openId(disk("vda", healthy("vmcp-epoch.7"), healthy("vmcp-open.7"))))
        .contains("7");
    assertThat(Markers.openId(disk("vda", healthy("vmcp-open.7")))).isEmpty();
  }

  private static List<String> namesMissingOn(Disk... disks) {
    return Markers.missing(List.of(disks), new Ids()).stream()
        .map(addition -> addition.bitmap().name())
        .toList();
  }
}
