package dev.vmcheckpoint.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** By what a sidecar knows that it is asked for something decided on what is no more. */
final class BitmapsDigestTest {
  private static final CheckpointUid CHECKPOINT = new CheckpointUid("1a");
  private static final BitmapObservation FIRST = bitmap("vmcp-1a.7.vda", 0, false, true, false);
  private static final BitmapObservation SECOND = bitmap("vmcp-1a.7.vdb", 0, false, true, false);
  private static final String OF_BOTH = digest(disk("vda", FIRST), disk("vdb", SECOND));

  private static BitmapObservation bitmap(
      String name, long dirtyBytes, boolean busy, boolean recording, boolean inconsistent) {
    return new BitmapObservation(
        name, 65536, dirtyBytes, recording, true, busy, inconsistent, Optional.empty());
  }

  private static DiskObservation disk(String name, BitmapObservation... bitmaps) {
    return new DiskObservation(
        name,
        "#block1",
        true,
        Optional.empty(),
        Optional.empty(),
        1 << 20,
        List.of(bitmaps),
        List.of(),
        Optional.empty());
  }

  private static String digest(DiskObservation... disks) {
    return BitmapsDigest.of(
        new MachineObservation("7.2.22", "running", true, "none", List.of(disks)), CHECKPOINT);
  }

  /** Operator and sidecar may be of different versions. */
  @Test
  void itIsTheSameInEachVersion() {
    assertThat(OF_BOTH)
        .isEqualTo("6caf74301768ed9d0925a9bc22453c9708a2b3d7cdc9247df4eb80a8fefa393b");
  }

  static Stream<List<DiskObservation>> theSameBitmaps() {
    return Stream.of(
        List.of(disk("vdb", SECOND), disk("vda", FIRST)),
        List.of(
            disk("vda", bitmap("vmcp-1a.7.vda", 65536, true, true, false)), disk("vdb", SECOND)),
        List.of(disk("vda", FIRST), disk("vdb", SECOND), disk("vdc")),
        List.of(
            disk("vda", FIRST, bitmap("vmcp-1b.7.vda", 0, false, true, false)),
            disk("vdb", SECOND, bitmap("vmcp-epoch.e1", 0, false, false, false))));
  }

  @ParameterizedTest
  @MethodSource("theSameBitmaps")
  void itIsTheSameWhateverTheyListWhoeverUsesThemAndWhateverElseThereIs(
      List<DiskObservation> disks) {
    assertThat(digest(disks.toArray(DiskObservation[]::new))).isEqualTo(OF_BOTH);
  }

  static Stream<List<DiskObservation>> otherBitmaps() {
    return Stream.of(
        List.of(),
        List.of(disk("vda", FIRST), disk("vdb")),
        List.of(disk("vda", FIRST), disk("vdc", SECOND)),
        List.of(
            disk("vda", FIRST, bitmap("vmcp-1a.8.vda", 0, false, true, false)),
            disk("vdb", SECOND)),
        List.of(disk("vda", FIRST), disk("vdb", bitmap("vmcp-1a.7.vdb", 0, false, false, false))),
        List.of(disk("vda", FIRST), disk("vdb", bitmap("vmcp-1a.7.vdb", 0, false, true, true))));
  }

  @ParameterizedTest
  @MethodSource("otherBitmaps")
  void itIsAnotherWhereOneCameOrWentOrIsInAnotherState(List<DiskObservation> disks) {
    assertThat(digest(disks.toArray(DiskObservation[]::new))).isNotEqualTo(OF_BOTH);
  }
}
