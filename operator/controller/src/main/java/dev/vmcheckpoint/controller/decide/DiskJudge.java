package dev.vmcheckpoint.controller.decide;

import dev.vmcheckpoint.api.DiskState;
import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Disk;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Image;
import dev.vmcheckpoint.controller.decide.Observation.Seen;
import dev.vmcheckpoint.controller.decide.Observation.Unseen;
import dev.vmcheckpoint.controller.decide.Verdict.Judged;
import dev.vmcheckpoint.node.DiskImage;
import dev.vmcheckpoint.node.DiskObservation;
import dev.vmcheckpoint.node.ImageName;
import dev.vmcheckpoint.node.MachineObservation;
import java.util.Map;
import java.util.Optional;

/**
 * Whether a disk's bitmap can be relied on. Evidence is judged in a fixed order and the first hit
 * decides. What cannot be seen is Unknown; Lost is what was seen to be lost, and final.
 */
final class DiskJudge {
  private final Checkpoint checkpoint;
  private final Observation observation;
  private final Map<String, DiskImage> carriedOver;

  /**
   * A judge of one look.
   *
   * @param carriedOver the images of which the sidecar has just found what is on record and marked
   *     the present opening, by the disks' names
   */
  DiskJudge(Checkpoint checkpoint, Observation observation, Map<String, DiskImage> carriedOver) {
    this.checkpoint = checkpoint;
    this.observation = observation;
    this.carriedOver = Map.copyOf(carriedOver);
  }

  /** The verdict of this look. */
  Verdict judge(Disk recorded) {
    if (recorded.state() == DiskState.Lost) {
      return new Judged(recorded);
    }
    String bitmap = recorded.bitmap();
    if (bitmap == null || !checkpoint.owns(bitmap, recorded.name())) {
      return Verdicts.lost(
          recorded,
          Reason.BitmapMissing,
          "the recorded bitmap %s was not made for this checkpoint".formatted(bitmap));
    }
    return switch (observation) {
      case Unseen unseen -> Verdicts.unknown(recorded, unseen.reason(), unseen.message());
      case Seen seen -> judge(recorded, bitmap, seen.machine());
    };
  }

  private Verdict judge(Disk recorded, String bitmap, MachineObservation machine) {
    Optional<DiskObservation> device =
        machine.disks().stream().filter(disk -> disk.name().equals(recorded.name())).findFirst();
    if (device.isEmpty()) {
      return Verdicts.unknown(recorded, Reason.Detached, "the machine has no such disk now");
    }
    DiskObservation disk = device.get();
    if (disk.image().isEmpty()) {
      return Verdicts.unknown(recorded, Reason.Detached, "the drive is empty now");
    }
    if (isInactive(disk)) {
      return Verdicts.unknown(recorded, Reason.Migrating, "the image is not active in this QEMU");
    }
    Image before = recorded.image();
    DiskImage image = disk.image().get();
    return new ImageJudge(
            checkpoint,
            recorded,
            byFiles(before == null ? imageOf(image) : before),
            bitmap,
            machine,
            disk,
            byFiles(imageOf(image)),
            image.equals(carriedOver.get(recorded.name())))
        .judge();
  }

  private static Image byFiles(Image image) {
    return new Image(
        ImageName.file(image.file()),
        image.backing().stream().map(ImageName::file).toList(),
        image.dataFile());
  }

  static Image imageOf(DiskImage image) {
    return new Image(image.file(), image.backing(), image.dataFile().orElse(null));
  }

  static boolean isInactive(DiskObservation disk) {
    return disk.ineligible().filter(why -> why.reason().equals(Reason.Inactive.name())).isPresent();
  }
}
