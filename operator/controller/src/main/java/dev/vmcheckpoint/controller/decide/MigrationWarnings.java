package dev.vmcheckpoint.controller.decide;

import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.node.BitmapObservation;
import dev.vmcheckpoint.node.DiskObservation;
import dev.vmcheckpoint.node.EnsureResponse;
import dev.vmcheckpoint.node.EnsureResponse.CheckpointDisk;
import dev.vmcheckpoint.node.OtherBitmaps;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Whether a live migration with the capability {@code dirty-bitmaps} could still end. QEMU refuses
 * it where there is a bitmap that it cannot send. It takes a byte of each granule of each bitmap
 * for what is left to send, changed or not; where that is more than it may send in the final pause,
 * the migration goes on for ever.
 *
 * @param seen the machine before the checkpoint's bitmaps were there
 * @param response the checkpoint's bitmaps
 */
record MigrationWarnings(Observation.Seen seen, EnsureResponse response) {
  /**
   * What fits into the final pause by QEMU's defaults, in bytes: {@code max-bandwidth} of 128 MiB a
   * second (QAPI {@code MigrationParameters}) times {@code downtime-limit} of 300 ms.
   */
  static final long FITS_BY_DEFAULT = (128L << 20) * 300 / 1000;

  List<Announcement> all() {
    return Stream.of(refused(), endless()).flatMap(Optional::stream).toList();
  }

  private Optional<Announcement> refused() {
    return seen.machine().disks().stream()
        .flatMap(disk -> notMigratable(disk).map(bitmap -> refused(disk, bitmap)).stream())
        .findFirst();
  }

  private static Announcement refused(DiskObservation disk, String bitmap) {
    return Announcement.warning(
        Reason.MigrationWillFail,
        Texts.bounded(
            "QEMU refuses a live migration with the capability dirty-bitmaps while the disk %s has the bitmap %s"
                .formatted(disk.name(), bitmap)));
  }

  /** Our own broken ones are removed once their checkpoints say that they are lost. */
  private static Optional<String> notMigratable(DiskObservation disk) {
    return disk.others().flatMap(OtherBitmaps::notMigratable);
  }

  private Optional<Announcement> endless() {
    long load =
        Stream.of(
                response.disks().stream()
                    .map(disk -> granules(disk.virtualSizeBytes(), disk.granularityBytes())),
                seen.machine().disks().stream().flatMap(this::granulesOfOurs),
                seen.machine().disks().stream()
                    .flatMap(disk -> disk.others().map(OtherBitmaps::granules).stream()))
            .flatMap(bytes -> bytes)
            .reduce(0L, Math::addExact);
    return load <= FITS_BY_DEFAULT
        ? Optional.empty()
        : Optional.of(
            Announcement.warning(
                Reason.MigrationMayNotEnd,
                "a live migration with the capability dirty-bitmaps has %d MiB of bitmaps to send,"
                        .formatted(load >> 20)
                    + " and QEMU by default has room for %d MiB in its final pause"
                        .formatted(FITS_BY_DEFAULT >> 20)));
  }

  private Stream<Long> granulesOfOurs(DiskObservation disk) {
    return disk.bitmaps().stream()
        .filter(bitmap -> response.disks().stream().noneMatch(added -> isOf(added, bitmap)))
        .map(bitmap -> granules(disk.virtualSizeBytes(), bitmap.granularityBytes()));
  }

  private static boolean isOf(CheckpointDisk added, BitmapObservation bitmap) {
    return added.bitmap().equals(bitmap.name());
  }

  private static long granules(long virtualSize, long granularity) {
    return Math.ceilDiv(virtualSize, granularity);
  }
}
