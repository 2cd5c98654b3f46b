package dev.vmcheckpoint.controller.decide;

import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.node.BitmapObservation;
import dev.vmcheckpoint.node.DiskObservation;
import dev.vmcheckpoint.node.EnsureResponse;
import dev.vmcheckpoint.node.EnsureResponse.CheckpointDisk;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Whether a live migration could still end. With the capability {@code dirty-bitmaps} QEMU takes a
 * byte of each granule of each bitmap for what is left to send, changed or not; where that is more
 * than it may send in the final pause, the migration goes on for ever.
 */
final class MigrationLoad {
  /**
   * What fits into the final pause by QEMU's defaults, in bytes: {@code max-bandwidth} of 128 MiB a
   * second (QAPI {@code MigrationParameters}) times {@code downtime-limit} of 300 ms.
   */
  static final long FITS_BY_DEFAULT = (128L << 20) * 300 / 1000;

  private MigrationLoad() {}

  /**
   * The warning, if there is reason for one.
   *
   * @param seen the machine before the checkpoint's bitmaps were there
   * @param response the checkpoint's bitmaps
   */
  static Optional<Announcement> warning(Observation.Seen seen, EnsureResponse response) {
    long load =
        Stream.concat(
                seen.machine().disks().stream().flatMap(disk -> bytes(disk, response)),
                response.disks().stream()
                    .map(disk -> bytes(disk.virtualSizeBytes(), disk.granularityBytes())))
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

  private static Stream<Long> bytes(DiskObservation disk, EnsureResponse response) {
    return disk.bitmaps().stream()
        .filter(bitmap -> response.disks().stream().noneMatch(added -> isOf(added, bitmap)))
        .map(bitmap -> bytes(disk.virtualSizeBytes(), bitmap.granularityBytes()));
  }

  private static boolean isOf(CheckpointDisk added, BitmapObservation bitmap) {
    return added.bitmap().equals(bitmap.name());
  }

  private static long bytes(long virtualSize, long granularity) {
    return Math.ceilDiv(virtualSize, granularity);
  }
}
