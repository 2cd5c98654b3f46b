package dev.vmcheckpoint.controller.decide;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.controller.decide.Observation.Seen;
import dev.vmcheckpoint.node.BitmapObservation;
import dev.vmcheckpoint.node.DiskImage;
import dev.vmcheckpoint.node.DiskObservation;
import dev.vmcheckpoint.node.EnsureResponse;
import dev.vmcheckpoint.node.EnsureResponse.CheckpointDisk;
import dev.vmcheckpoint.node.OtherBitmaps;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** QEMU 7.2 by its defaults: two bitmaps of 64 KiB on a disk of 1 TiB migrate, three never do. */
final class MigrationWarningsTest {
  private static final long TIB = 1L << 40;
  private static final long DEFAULT_GRANULARITY = 64 << 10;
  private static final DiskImage IMAGE = new DiskImage("vda.qcow2", List.of(), Optional.empty());

  @Test
  void twoBitmapsOfATebibyteAreNoCauseForConcern() {
    assertThat(warnings(seen("first"), made("second", DEFAULT_GRANULARITY))).isEmpty();
  }

  @Test
  void aThirdOneIsWarnedOf() {
    assertThat(warnings(seen("first", "second"), made("third", DEFAULT_GRANULARITY)))
        .containsExactly(
            Announcement.warning(
                Reason.MigrationMayNotEnd,
                "a live migration with the capability dirty-bitmaps has 48 MiB of bitmaps to send,"
                    + " and QEMU by default has room for 38 MiB in its final pause"));
  }

  @Test
  void oneBitmapCanBeTooFine() {
    assertThat(warnings(seen(), made("fine", DEFAULT_GRANULARITY / 4))).hasSize(1);
  }

  @Test
  void aBitmapThatWasAdoptedCountsOnce() {
    assertThat(warnings(seen("first", "second"), made("second", DEFAULT_GRANULARITY))).isEmpty();
  }

  @Test
  void theBitmapsOfOthersCountAsWell() {
    OtherBitmaps two = new OtherBitmaps(2 * TIB / DEFAULT_GRANULARITY, Optional.empty());

    assertThat(warnings(seen(two), made("third", DEFAULT_GRANULARITY)))
        .extracting(Announcement::reason)
        .containsExactly(Reason.MigrationMayNotEnd);
  }

  @Test
  void aBitmapThatQemuCannotSendIsWarnedOf() {
    OtherBitmaps broken = new OtherBitmaps(1, Optional.of("theirs"));

    assertThat(warnings(seen(broken), made("first", DEFAULT_GRANULARITY)))
        .containsExactly(
            Announcement.warning(
                Reason.MigrationWillFail,
                "QEMU refuses a live migration with the capability dirty-bitmaps while the disk vda"
                    + " has the bitmap theirs"));
  }

  private static List<Announcement> warnings(Seen seen, EnsureResponse response) {
    return new MigrationWarnings(seen, response).all();
  }

  private static Seen seen(String... bitmaps) {
    return seen(Optional.empty(), bitmaps);
  }

  private static Seen seen(OtherBitmaps others) {
    return seen(Optional.of(others));
  }

  private static Seen seen(Optional<OtherBitmaps> others, String... bitmaps) {
    DiskObservation disk =
        new DiskObservation(
            "vda",
            "#block1",
            true,
            Optional.empty(),
            Optional.of(IMAGE),
            TIB,
            Stream.of(bitmaps).map(MigrationWarningsTest::bitmap).toList(),
            List.of(),
            others);
    return Cases.seen(disk);
  }

  private static BitmapObservation bitmap(String name) {
    return new BitmapObservation(
        name, DEFAULT_GRANULARITY, 0, true, true, false, false, Optional.of(false));
  }

  private static EnsureResponse made(String bitmap, long granularity) {
    return new EnsureResponse(
        List.of(new CheckpointDisk("vda", bitmap, "e1", "#block1", IMAGE, TIB, granularity, 0)),
        false,
        true);
  }
}
