package dev.vmcheckpoint.controller.decide;

import dev.vmcheckpoint.api.DiskState;
import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Disk;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Image;
import dev.vmcheckpoint.controller.decide.Observation.Seen;
import dev.vmcheckpoint.controller.decide.Observation.Unseen;
import dev.vmcheckpoint.node.BitmapObservation;
import dev.vmcheckpoint.node.DiskImage;
import dev.vmcheckpoint.node.DiskObservation;
import dev.vmcheckpoint.node.MachineObservation;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Whether a disk's bitmap can be relied on. Evidence is judged in a fixed order and the first hit
 * decides. What cannot be seen is Unknown; Lost is what was seen to be lost, and final.
 */
final class DiskJudge {
  private static final String OPEN_MARKER = "vmcp-open.";

  private final Checkpoint checkpoint;
  private final Observation observation;

  DiskJudge(Checkpoint checkpoint, Observation observation) {
    this.checkpoint = checkpoint;
    this.observation = observation;
  }

  /** The disk with the verdict of this look. */
  Disk judge(Disk recorded) {
    if (recorded.state() == DiskState.Lost) {
      return recorded;
    }
    String bitmap = recorded.bitmap();
    if (bitmap == null || !checkpoint.owns(bitmap, recorded.name())) {
      return lost(
          recorded,
          Reason.BitmapMissing,
          "the recorded bitmap %s was not made for this checkpoint".formatted(bitmap));
    }
    return switch (observation) {
      case Unseen unseen -> unknown(recorded, unseen.reason(), unseen.message());
      case Seen seen -> judge(recorded, bitmap, seen.machine());
    };
  }

  private Disk judge(Disk recorded, String bitmap, MachineObservation machine) {
    Optional<DiskObservation> device =
        machine.disks().stream().filter(disk -> disk.name().equals(recorded.name())).findFirst();
    return device
        .map(disk -> judge(recorded, bitmap, machine, disk))
        .orElseGet(() -> unknown(recorded, Reason.Detached, "the machine has no such disk now"));
  }

  private Disk judge(
      Disk recorded, String bitmap, MachineObservation machine, DiskObservation disk) {
    DiskImage image = disk.image().orElse(null);
    if (image == null) {
      return unknown(recorded, Reason.DiskReplaced, "the drive is empty now");
    }
    if (isInactive(disk)) {
      return unknown(recorded, Reason.Migrating, "the image is not active in this QEMU");
    }
    Image before = recorded.image();
    if (before != null && !before.file().equals(image.file())) {
      return otherImage(recorded, before, image);
    }
    return disk.bitmaps().stream()
        .filter(candidate -> candidate.name().equals(bitmap))
        .findFirst()
        .map(found -> judge(recorded, disk, image, found))
        .orElseGet(() -> withoutBitmap(recorded, machine, disk));
  }

  /**
   * Whether a bitmap on another image lists everything depends on how it came there: only the
   * markers of the opening tell.
   */
  private static Disk otherImage(Disk recorded, Image before, DiskImage image) {
    return image.backing().contains(before.file())
        ? unknown(
            recorded,
            Reason.OverlayOnTop,
            "%s is on top of the recorded image %s".formatted(image.file(), before.file()))
        : unknown(
            recorded,
            Reason.DiskReplaced,
            "the device holds %s, recorded is %s".formatted(image.file(), before.file()));
  }

  private Disk withoutBitmap(Disk recorded, MachineObservation machine, DiskObservation disk) {
    if (disk.bitmaps().stream().anyMatch(other -> isOfAnotherDisk(other, recorded))) {
      return unknown(
          recorded,
          Reason.DiskReplaced,
          "the device holds the image of another disk of this checkpoint");
    }
    if (!absenceCounts(machine)) {
      return unknown(
          recorded,
          Reason.GuestNotRunning,
          "this QEMU may not have loaded its bitmaps before the guest runs");
    }
    return lost(recorded, Reason.BitmapMissing, "the bitmap is not there any more");
  }

  private boolean isOfAnotherDisk(BitmapObservation bitmap, Disk recorded) {
    return checkpoint.owns(bitmap.name()) && !checkpoint.owns(bitmap.name(), recorded.name());
  }

  /** Before QEMU 10.0 the target of a migration loads its bitmaps when it starts to run. */
  private static boolean absenceCounts(MachineObservation machine) {
    return machine.runState().equals("running") || majorVersion(machine) >= 10;
  }

  private static int majorVersion(MachineObservation machine) {
    String version = machine.qemuVersion();
    int dot = version.indexOf('.');
    String major = dot < 0 ? version : version.substring(0, dot);
    return major.matches("\\d{1,4}") ? Integer.parseInt(major) : 0;
  }

  private Disk judge(
      Disk recorded, DiskObservation disk, DiskImage image, BitmapObservation bitmap) {
    if (bitmap.busy()) {
      return unknown(recorded, Reason.Busy, "a job or an export uses the bitmap");
    }
    if (bitmap.inconsistent()) {
      return lost(
          recorded,
          Reason.BitmapInconsistent,
          "the bitmap was still marked in use when QEMU opened the image");
    }
    if (!bitmap.recording()) {
      return lost(recorded, Reason.BitmapNotRecording, "the bitmap is disabled");
    }
    if (!bitmap.persistent()) {
      return lost(recorded, Reason.BitmapNotPersistent, "the bitmap is not persistent");
    }
    Long granularity = recorded.granularityBytes();
    if (granularity != null && granularity != bitmap.granularityBytes()) {
      return lost(
          recorded,
          Reason.GranularityChanged,
          "the bitmap has granularity %d, recorded is %d"
              .formatted(bitmap.granularityBytes(), granularity));
    }
    // The markers of the image's opening have their say here: what follows may only hold within
    // the opening that they prove.
    Long size = recorded.virtualSizeBytes();
    if (size != null && disk.virtualSizeBytes() < size) {
      return lost(
          recorded,
          Reason.Shrunk,
          "the disk has %d bytes, recorded are %d".formatted(disk.virtualSizeBytes(), size));
    }
    if (chainChanged(recorded, image) && !sameOpening(recorded, disk)) {
      return lost(
          recorded,
          Reason.ImageReplaced,
          "the backing chain or the data file changed while the image was closed");
    }
    Long dirty = recorded.dirtyBytes();
    if (dirty != null && bitmap.dirtyBytes() < dirty) {
      return lost(
          recorded,
          Reason.Cleared,
          "the bitmap lists %d bytes, it did list %d".formatted(bitmap.dirtyBytes(), dirty));
    }
    return recording(recorded, disk, image, bitmap);
  }

  private static boolean chainChanged(Disk recorded, DiskImage image) {
    Image before = recorded.image();
    return before != null
        && !(before.backing().equals(image.backing())
            && Objects.equals(before.dataFile(), image.dataFile().orElse(null)));
  }

  /** QEMU forgets a transient marker when it closes the image, so this is still that opening. */
  private static boolean sameOpening(Disk recorded, DiskObservation disk) {
    return recorded.epoch() != null
        && disk.bitmaps().stream()
            .anyMatch(bitmap -> bitmap.name().equals(OPEN_MARKER + recorded.epoch()));
  }

  private Disk recording(
      Disk recorded, DiskObservation disk, DiskImage image, BitmapObservation bitmap) {
    return new Disk(
        recorded.name(),
        DiskState.Recording,
        Reason.Recording,
        null,
        recorded.bitmap(),
        recorded.epoch(),
        disk.blockNode(),
        new Image(image.file(), image.backing(), image.dataFile().orElse(null)),
        disk.virtualSizeBytes(),
        bitmap.granularityBytes(),
        dirtyBytes(recorded.dirtyBytes(), bitmap.dirtyBytes()));
  }

  /** Exact for somebody who asked; else written anew only when it matters. */
  private long dirtyBytes(@Nullable Long recorded, long seen) {
    if (recorded == null || checkpoint.probeIsPending()) {
      return seen;
    }
    boolean hasDoubled = recorded == 0 ? seen > 0 : seen / 2 >= recorded;
    return hasDoubled ? seen : recorded;
  }

  private static boolean isInactive(DiskObservation disk) {
    return disk.ineligible().filter(why -> why.reason().equals(Reason.Inactive.name())).isPresent();
  }

  private static Disk unknown(Disk recorded, Reason reason, String message) {
    return recorded.judged(DiskState.Unknown, reason, Texts.bounded(message));
  }

  private static Disk lost(Disk recorded, Reason reason, String message) {
    return recorded.judged(DiskState.Lost, reason, Texts.bounded(message));
  }
}
