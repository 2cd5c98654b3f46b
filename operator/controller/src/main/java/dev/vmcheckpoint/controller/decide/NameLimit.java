package dev.vmcheckpoint.controller.decide;

import dev.vmcheckpoint.node.DiskImage;
import dev.vmcheckpoint.node.DiskObservation;
import dev.vmcheckpoint.node.EnsureResponse;
import dev.vmcheckpoint.node.EpochResponse;
import dev.vmcheckpoint.node.ErrorCode;
import dev.vmcheckpoint.node.MachineObservation;
import dev.vmcheckpoint.node.Problem;
import java.util.List;
import java.util.Optional;
import java.util.stream.LongStream;

/**
 * How long the names of a machine's disks and images may be, all together, with what is said of
 * those that cannot be checkpointed. They go into the status of each of its checkpoints, of which
 * the operator has all in memory, and whoever runs something else in place of QEMU makes them as
 * long as he likes.
 */
public final class NameLimit {
  /** For example, those of sixty disks with ten layers each. */
  static final int MAX_CHARACTERS = 64 * 1024;

  private NameLimit() {}

  /** What to say of a machine that shows more. */
  public static Optional<Problem> exceededBy(MachineObservation machine) {
    return exceededByDisks(machine.disks());
  }

  /** The same for what it shows after bitmaps were made. */
  public static Optional<Problem> exceededBy(EnsureResponse response) {
    return exceeded(
        response.disks().stream().mapToLong(disk -> disk.name().length() + length(disk.image())));
  }

  /** The same for what it shows after disks were carried over. */
  public static Optional<Problem> exceededBy(EpochResponse response) {
    return exceededByDisks(response.disks());
  }

  private static Optional<Problem> exceededByDisks(List<DiskObservation> disks) {
    return exceeded(
        disks.stream()
            .mapToLong(
                disk ->
                    disk.name().length()
                        + disk.ineligible().map(why -> why.message().length()).orElse(0)
                        + disk.image().map(NameLimit::length).orElse(0L)));
  }

  private static long length(DiskImage image) {
    return LongStream.concat(
            LongStream.of(image.file().length(), image.dataFile().map(String::length).orElse(0)),
            image.backing().stream().mapToLong(String::length))
        .sum();
  }

  private static Optional<Problem> exceeded(LongStream lengths) {
    long characters = lengths.sum();
    return characters <= MAX_CHARACTERS
        ? Optional.empty()
        : Optional.of(
            Problem.of(
                ErrorCode.MonitorProtocol,
                "the names of disks and images that the monitor shows have %d characters, and at most %d are kept"
                    .formatted(characters, MAX_CHARACTERS)));
  }
}
