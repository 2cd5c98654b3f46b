package dev.vmcheckpoint.qmp.checkpoint;

import static dev.vmcheckpoint.qmp.checkpoint.Machines.disk;
import static dev.vmcheckpoint.qmp.checkpoint.Machines.diskOn;
import static dev.vmcheckpoint.qmp.checkpoint.Machines.healthy;
import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.qmp.machine.Disk;
import java.util.List;
import org.junit.jupiter.api.Test;

final class MarkersTest {
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
  void aPersistentMarkerThatWasTakenAwayIsAddedAgain() {
    assertThat(namesMissingOn(disk("vda", healthy("vmcp-open.7")))).containsExactly("vmcp-epoch.7");
  }

  @Test
  void aNodeThatTwoDevicesShareIsMarkedOnce() {
    assertThat(namesMissingOn(diskOn("n", "vda"), diskOn("n", "vdb"))).hasSize(2);
  }

  @Test
  void theEpochIsKnownWhereBothMarkersAreThere() {
    assertThat(Markers.epoch(disk("vda", healthy("vmcp-epoch.7"), healthy("vmcp-open.7"))))
        .contains("7");
    assertThat(Markers.epoch(disk("vda", healthy("vmcp-open.7")))).isEmpty();
  }

  private static List<String> namesMissingOn(Disk... disks) {
    return Markers.missing(List.of(disks), new Ids()).stream()
        .map(addition -> addition.bitmap().name())
        .toList();
  }
}
