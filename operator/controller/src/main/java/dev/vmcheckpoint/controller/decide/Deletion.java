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
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What to do for a checkpoint that is to go. It ends in bounded time: no resource waits for ever
 * for a machine, a node or a human.
 */
public sealed interface Deletion {

  /** Have the bitmaps removed. */
  record Remove(Seen seen) implements Deletion {}

  /** Let the resource go: nothing of it is left. */
  record Release(Optional<Announcement> announcement) implements Deletion {}

  /**
   * Record what is left, then let the resource go.
   *
   * @param bitmaps what is known to be left; there may be more
   * @param mayGrow whether there may be more later
   */
  record LeaveBehind(Announcement announcement, List<Leftover.Bitmap> bitmaps, boolean mayGrow)
      implements Deletion {
    public LeaveBehind {
      bitmaps = List.copyOf(bitmaps);
    }
  }

  /**
   * Try again later.
   *
   * @param status what to say meanwhile
   */
  record Wait(VirtualMachineCheckpointStatus status) implements Deletion {}

  /** Whether a sidecar was asked to make bitmaps, as far as the status need not tell. */
  enum Creation {
    NEVER_SENT,
    ENDED,
    /** Somebody else led who may have sent one; a sidecar that a later leader called refuses it. */
    OF_AN_EARLIER_LEADER,
    /** It may begin even after a removal. */
    UNANSWERED
  }

  /**
   * What was asked for.
   *
   * @param checkpoint the checkpoint that is to go
   * @param creation what bitmaps may come from
   * @param deadline from when on the resource goes, whatever is left behind
   */
  record Request(Checkpoint checkpoint, Creation creation, Instant deadline) {
    /**
     * Requests a deletion.
     *
     * @param since when the deletion was asked for
     * @param timeout how long it may take
     */
    public static Request of(
        Checkpoint checkpoint, Creation creation, Instant since, Duration timeout) {
      return new Request(checkpoint, creation, since.plus(timeout));
    }

    private boolean mayHaveBitmaps() {
      return creation != Creation.NEVER_SENT || !checkpoint.status().disks().isEmpty();
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

  /** What to do where the sidecar is another one, or called by another leader, since the look. */
  static Deletion overtaken(Request request, Seen seen, Instant now) {
    return now.isBefore(request.deadline())
        ? new Remove(seen)
        : giveUp(request, "the sidecar was replaced between look and removal");
  }

  /** What to do once the sidecar has answered. */
  static Deletion removed(Request request, Seen seen, RemoveResponse response) {
    List<Leftover.Bitmap> left = Sweep.remaining(known(request.checkpoint()), seen, response);
    boolean mayGrow = request.creation() == Creation.UNANSWERED;
    if (!left.isEmpty()) {
      return leaveBehind(
          left.stream()
              .map(bitmap -> "disk %s: in %s".formatted(bitmap.disk(), bitmap.file()))
              .collect(joining("; ", "bitmaps are left in images that are not active: ", "")),
          left,
          mayGrow);
    }
    if (mayGrow) {
      return leaveBehind(
          "%d bitmaps removed; a creation was sent and not answered, so more may come"
              .formatted(response.removed().size()),
          left,
          mayGrow);
    }
    if (response.removed().isEmpty() && known(request.checkpoint()).isEmpty()) {
      return new Release(Optional.empty());
    }
    return new Release(
        Optional.of(
            Announcement.normal(
                Reason.BitmapsRemoved, "%d bitmaps removed".formatted(response.removed().size()))));
  }

  /** The bitmaps that the status tells of. */
  private static List<Leftover.Bitmap> known(Checkpoint checkpoint) {
    List<Leftover.Bitmap> known = new ArrayList<>();
    for (Disk disk : checkpoint.status().disks()) {
      String bitmap = disk.bitmap();
      Image image = disk.image();
      if (bitmap != null && image != null && checkpoint.owns(bitmap)) {
        known.add(new Leftover.Bitmap(disk.name(), image.file(), bitmap));
      }
    }
    return known;
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
    return request.mayHaveBitmaps()
        ? leaveBehind(
            "bitmaps may be left in the machine's images: %s".formatted(message),
            known(request.checkpoint()),
            request.creation() == Creation.UNANSWERED
                || request.creation() == Creation.OF_AN_EARLIER_LEADER)
        : new Release(Optional.empty());
  }

  /** The same announcement where what is left could not be recorded. */
  static Announcement unrecorded(Announcement announcement) {
    return Announcement.warning(
        announcement.reason(),
        Texts.bounded("not recorded, so never removed: " + announcement.message()));
  }

  private static LeaveBehind leaveBehind(
      String message, List<Leftover.Bitmap> bitmaps, boolean mayGrow) {
    return new LeaveBehind(
        Announcement.warning(Reason.BitmapsLeftBehind, Texts.bounded(message)), bitmaps, mayGrow);
  }
}
