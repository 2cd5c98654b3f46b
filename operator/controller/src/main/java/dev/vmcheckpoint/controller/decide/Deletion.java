package dev.vmcheckpoint.controller.decide;

import static java.util.stream.Collectors.joining;

import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Disk;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Image;
import dev.vmcheckpoint.controller.decide.Observation.Seen;
import dev.vmcheckpoint.controller.decide.Observation.Unseen;
import dev.vmcheckpoint.controller.decide.Troubles.Trouble;
import dev.vmcheckpoint.node.RemoveResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What to do for a checkpoint that is to go. It ends in bounded time: no resource waits for ever
 * for a machine, a node or a human.
 */
public sealed interface Deletion {

  /** Have the bitmaps removed. */
  record Remove(Seen seen) implements Deletion {}

  /** Let the resource go. */
  record Release(Optional<Announcement> announcement) implements Deletion {}

  /**
   * Try again later.
   *
   * @param status what to say meanwhile
   */
  record Wait(VirtualMachineCheckpointStatus status) implements Deletion {}

  /**
   * What was asked for.
   *
   * @param checkpoint the checkpoint that is to go
   * @param mayHaveBitmaps whether bitmaps may have been made for it
   * @param deadline from when on the resource goes, whatever is left behind
   */
  record Request(Checkpoint checkpoint, boolean mayHaveBitmaps, Instant deadline) {
    /**
     * Requests a deletion.
     *
     * @param creationWasSent whether this process asked a sidecar to make the bitmaps
     * @param since when the deletion was asked for
     * @param timeout how long it may take
     */
    public static Request of(
        Checkpoint checkpoint, boolean creationWasSent, Instant since, Duration timeout) {
      return new Request(
          checkpoint,
          creationWasSent || !checkpoint.status().disks().isEmpty(),
          since.plus(timeout));
    }
  }

  /** Decides. */
  static Deletion decide(Request request, Observation observation, Instant now) {
    return switch (observation) {
      case Seen seen -> new Remove(seen);
      case Unseen unseen when unseen.gone() -> giveUp(request, unseen.message());
      case Unseen unseen -> waitFor(request, unseen.reason(), unseen.message(), now);
    };
  }

  /** What to do where the removal failed, or may have. */
  static Deletion notRemoved(Request request, Trouble trouble, Instant now) {
    return waitFor(request, trouble.reason(), trouble.message(), now);
  }

  /** What to do once the sidecar has answered. */
  static Deletion removed(Request request, Seen seen, RemoveResponse response) {
    String left =
        Stream.concat(
                request.checkpoint().status().disks().stream()
                    .filter(disk -> !isRemoved(disk, response) && !isAbsent(disk, seen))
                    .map(disk -> "disk %s: its image is not attached".formatted(disk.name())),
                response.below().stream()
                    .map(
                        below ->
                            "disk %s: %s is below the active image"
                                .formatted(below.disk(), below.file())))
            .collect(joining("; "));
    if (!left.isEmpty()) {
      return new Release(
          Optional.of(
              Announcement.warning(
                  Reason.BitmapsLeftBehind, Texts.bounded("bitmaps are left: " + left))));
    }
    if (!request.mayHaveBitmaps() && response.removed().isEmpty()) {
      return new Release(Optional.empty());
    }
    return new Release(
        Optional.of(
            Announcement.normal(
                Reason.BitmapsRemoved, "%d bitmaps removed".formatted(response.removed().size()))));
  }

  private static boolean isRemoved(Disk disk, RemoveResponse response) {
    return response.removed().stream().anyMatch(removed -> removed.bitmap().equals(disk.bitmap()));
  }

  /** Whether the bitmap, which was not removed, is not on the recorded image either. */
  private static boolean isAbsent(Disk disk, Seen seen) {
    Image image = disk.image();
    return image == null
        || seen.machine().disks().stream()
            .flatMap(device -> device.image().stream())
            .anyMatch(attached -> attached.file().equals(image.file()));
  }

  private static Deletion waitFor(Request request, Reason reason, String message, Instant now) {
    if (!request.mayHaveBitmaps() || !now.isBefore(request.deadline())) {
      return giveUp(request, message);
    }
    return new Wait(
        new Statuses(request.checkpoint(), now)
            .deleting("bitmaps cannot be removed yet: %s: %s".formatted(reason, message)));
  }

  private static Deletion giveUp(Request request, String message) {
    return new Release(
        request.mayHaveBitmaps()
            ? Optional.of(
                Announcement.warning(
                    Reason.BitmapsLeftBehind,
                    Texts.bounded(
                        "bitmaps may be left in the machine's images: %s".formatted(message))))
            : Optional.empty());
  }
}
