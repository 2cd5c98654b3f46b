package dev.vmcheckpoint.qmp.checkpoint;

import static dev.vmcheckpoint.qmp.checkpoint.Machines.above;
import static dev.vmcheckpoint.qmp.checkpoint.Machines.disk;
import static dev.vmcheckpoint.qmp.checkpoint.Machines.diskOn;
import static dev.vmcheckpoint.qmp.checkpoint.Machines.healthy;
import static dev.vmcheckpoint.qmp.checkpoint.Machines.layer;
import static dev.vmcheckpoint.qmp.checkpoint.Machines.machine;
import static dev.vmcheckpoint.qmp.checkpoint.Machines.readOnly;
import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.qmp.checkpoint.Removal.Below;
import dev.vmcheckpoint.qmp.machine.Bitmap;
import dev.vmcheckpoint.qmp.machine.Disk;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

final class OwnBitmapsTest {
  private static final String VDA_1 = "vmcp-0a.1.vda";
  private static final String VDB_1 = "vmcp-0a.1.vdb";
  private static final String OTHER = "vmcp-0b.1.vda";

  @Test
  void anAttemptIsCompleteWhereEachDiskHasItsBitmap() {
    assertThat(completeOn(disk("vda", healthy(VDA_1)), disk("vdb", healthy(VDB_1)))).contains("1");
  }

  @Test
  void anAttemptIsIncompleteWhereADiskLacksItsBitmap() {
    assertThat(completeOn(disk("vda", healthy(VDA_1)), disk("vdb"))).isEmpty();
  }

  @Test
  void bitmapsOfDifferentAttemptsAreNoSet() {
    assertThat(completeOn(disk("vda", healthy(VDA_1)), disk("vdb", healthy("vmcp-0a.2.vdb"))))
        .isEmpty();
  }

  @Test
  void aBitmapOnTheDeviceOfAnotherDiskDoesNotCount() {
    assertThat(completeOn(disk("vda", healthy(VDB_1)), disk("vdb", healthy(VDA_1)))).isEmpty();
  }

  @Test
  void anotherCheckpointsBitmapsDoNotCount() {
    assertThat(completeOn(disk("vda", healthy(OTHER)))).isEmpty();
  }

  @Test
  void ofSeveralCompleteAttemptsTheGreatestCounts() {
    Disk vda = disk("vda", healthy("vmcp-0a.2.vda"), healthy("vmcp-0a.3.vda"), healthy(VDA_1));

    assertThat(completeOn(vda)).contains("3");
  }

  static Stream<Bitmap> brokenBitmaps() {
    return Stream.of(
        new Bitmap(VDA_1, 65536, 0, false, true, false, false, false),
        new Bitmap(VDA_1, 65536, 0, true, false, false, false, false),
        new Bitmap(VDA_1, 65536, 0, false, true, false, true, false));
  }

  @ParameterizedTest
  @MethodSource("brokenBitmaps")
  void aSetWithABrokenBitmapIsIncomplete(Bitmap broken) {
    assertThat(completeOn(disk("vda", broken))).isEmpty();
  }

  @Test
  void aSetOfAnotherGranularityThanAskedForIsIncomplete() {
    Disk vda = disk("vda", healthy(VDA_1));

    assertThat(own(vda).completeAttempt(List.of(vda), OptionalLong.of(512))).isEmpty();
  }

  @Test
  void everythingOfTheCheckpointCanBeRemovedAndNothingElse() {
    OwnBitmaps own =
        own(
            disk("vda", healthy(VDA_1), healthy(OTHER), healthy("foreign")),
            disk("vdb", healthy("vmcp-0a.2.elsewhere"), healthy("vmcp-epoch.7")));

    assertThat(own.removable())
        .containsExactly(
            new BitmapAt("vda", "vda-node", VDA_1),
            new BitmapAt("vdb", "vdb-node", "vmcp-0a.2.elsewhere"));
  }

  @Test
  void aNodeThatTwoDevicesShareIsCountedOnce() {
    OwnBitmaps own = own(diskOn("n", "vda", healthy(VDA_1)), diskOn("n", "vdb", healthy(VDA_1)));

    assertThat(own.removable()).containsExactly(new BitmapAt("vda", "n", VDA_1));
  }

  @Test
  void whatIsInImagesThatAreNotWrittenToIsReportedOnly() {
    OwnBitmaps own =
        own(
            above(disk("vda"), layer("base", healthy(VDA_1), healthy(OTHER))),
            readOnly(disk("vdb", healthy(VDB_1))));

    assertThat(own.removable()).isEmpty();
    assertThat(own.below())
        .containsExactly(
            new Below("vda", "base.qcow2", VDA_1), new Below("vdb", "vdb.qcow2", VDB_1));
  }

  @Test
  void markersGoWithTheLastCheckpointOfTheirNode() {
    OwnBitmaps own =
        own(
            disk("vda", healthy(VDA_1), healthy("vmcp-epoch.7"), healthy("vmcp-open.7")),
            disk("vdb", healthy(VDB_1), healthy("vmcp-0b.1.vdb"), healthy("vmcp-epoch.8")),
            disk("vdc", healthy("vmcp-epoch.9")));

    assertThat(own.markersThatGoWith(own.removable()))
        .extracting(BitmapAt::name)
        .containsExactly("vmcp-epoch.7", "vmcp-open.7");
  }

  @Test
  void markersOfASharedNodeGoOnce() {
    Bitmap[] bitmaps = {healthy(VDA_1), healthy(VDB_1), healthy("vmcp-epoch.7")};
    OwnBitmaps own = own(diskOn("n", "vda", bitmaps), diskOn("n", "vdb", bitmaps));

    assertThat(own.markersThatGoWith(own.removable()))
        .containsExactly(new BitmapAt("vda", "n", "vmcp-epoch.7"));
  }

  private static Optional<String> completeOn(Disk... disks) {
    return own(disks).completeAttempt(List.of(disks), OptionalLong.empty());
  }

  private static OwnBitmaps own(Disk... disks) {
    return new OwnBitmaps(new CheckpointUid("0a"), machine(disks));
  }
}
