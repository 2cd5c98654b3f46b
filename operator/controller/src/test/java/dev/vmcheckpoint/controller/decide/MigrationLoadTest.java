package dev.vmcheckpoint.controller.decide;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.controller.decide.Observation.Seen;
import dev.vmcheckpoint.node.BitmapObservation;
import dev.vmcheckpoint.node.DiskImage;
import dev.vmcheckpoint.node.DiskObservation;
import dev.vmcheckpoint.node.EnsureResponse;
import dev.vmcheckpoint.node.EnsureResponse.CheckpointDisk;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** QEMU 7.2 by its defaults: two bitmaps of 64 KiB on a disk of 1 TiB migrate, three never do. */
final class MigrationLoadTest {
  private static final long TIB = 1L << 40;
  private static final long DEFAULT_GRANULARITY = 64 << 10;
  private static final DiskImage IMAGE = new DiskImage("vda.qcow2", List.of(), Optional.empty());

  @Test
  void twoBitmapsOfATebibyteAreNoCauseForConcern() {
    assertThat(MigrationLoad.warning(seen("first"), made("second", DEFAULT_GRANULARITY))).isEmpty();
  }

  @Test
  void aThirdOneIsWarnedOf() {
    assertThat(MigrationLoad.warning(seen("first", "second"), made("third", DEFAULT_GRANULARITY)))
        .hasValue(
            Announcement.warning(
                Reason.MigrationMayNotEnd,
                "a live migration with the capability dirty-bitmaps has 48 MiB of bitmaps to send,"
                    + " and QEMU by default has room for 38 MiB in its final pause"));
  }

  @Test
  void oneBitmapCanBeTooFine() {
    assertThat(MigrationLoad.warning(seen(), made("fine", DEFAULT_GRANULARITY / 4))).isPresent();
  }

  @Test
  void aBitmapThatWasAdoptedCountsOnce() {
    assertThat(MigrationLoad.warning(seen("first", "second"), made("second", DEFAULT_GRANULARITY)))
        .isEmpty();
  }

  private static Seen seen(String... bitmaps) {
    DiskObservation disk =
        new DiskObservation(
            "vda",
            "#block1",
            true,
            Optional.empty(),
            Optional.of(IMAGE),
            TIB,
            Stream.of(bitmaps).map(MigrationLoadTest::bitmap).toList(),
            List.of());
    return Cases.seen(disk);
  }

  private static BitmapObservation bitmap(String name) {
    return new BitmapObservation(name, DEFAULT_GRANULARITY, 0, true, true, false, false);
  }

  private static EnsureResponse made(String bitmap, long granularity) {
    return new EnsureResponse(
        List.of(new CheckpointDisk("vda", bitmap, "e1", "#block1", IMAGE, TIB, granularity, 0)),
        false,
        true);
  }
}
