package dev.vmcheckpoint.qmp.checkpoint;

import dev.vmcheckpoint.qmp.checkpoint.BitmapNames.Parts;
import dev.vmcheckpoint.qmp.checkpoint.Removal.Below;
import dev.vmcheckpoint.qmp.machine.Bitmap;
import dev.vmcheckpoint.qmp.machine.Disk;
import dev.vmcheckpoint.qmp.machine.Disk.Layer;
import dev.vmcheckpoint.qmp.machine.Image;
import dev.vmcheckpoint.qmp.machine.Ineligibility.Reason;
import dev.vmcheckpoint.qmp.machine.MachineState;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** What one look at a machine shows of one checkpoint. */
record OwnBitmaps(CheckpointUid checkpoint, MachineState machine) {
  /** Every bitmap of the checkpoint that can be removed, whatever its attempt or disk. */
  List<BitmapAt> removable() {
    List<BitmapAt> found = new ArrayList<>();
    for (Disk disk : machine.disks()) {
      if (!canBeChanged(disk)) {
        continue;
      }
      for (Bitmap bitmap : disk.bitmaps()) {
        BitmapAt at = BitmapAt.of(disk, bitmap);
        // Two devices can share a node.
        if (isOwn(bitmap) && found.stream().noneMatch(at::isSameAs)) {
          found.add(at);
        }
      }
    }
    return found;
  }

  /** Those of some bitmaps that a job or an export uses now. */
  List<BitmapAt> busy(List<BitmapAt> bitmaps) {
    return bitmaps.stream().filter(at -> find(at).filter(Bitmap::busy).isPresent()).toList();
  }

  /** Those of some bitmaps that are there now. */
  List<BitmapAt> present(List<BitmapAt> bitmaps) {
    return bitmaps.stream().filter(at -> find(at).isPresent()).toList();
  }

  private Optional<Bitmap> find(BitmapAt at) {
    return machine.disks().stream()
        .filter(disk -> disk.blockNode().equals(at.node()))
        .findFirst()
        .flatMap(disk -> BitmapAt.find(disk, at.name()));
  }

  /** The checkpoint's bitmaps in images that are not written to. */
  List<Below> below() {
    List<Below> below = new ArrayList<>();
    for (Disk disk : machine.disks()) {
      if (!canBeChanged(disk)) {
        String file = disk.image().map(Image::file).orElse("");
        addOwn(below, disk, file, disk.bitmaps());
      }
      for (Layer layer : disk.backing()) {
        addOwn(below, disk, layer.file(), layer.bitmaps());
      }
    }
    return below;
  }

  private void addOwn(List<Below> below, Disk disk, String file, List<Bitmap> bitmaps) {
    bitmaps.stream()
        .filter(this::isOwn)
        .forEach(bitmap -> below.add(new Below(disk.name(), file, bitmap.name())));
  }

  /**
   * The greatest attempt that gave each of the disks a healthy bitmap.
   *
   * @param granularityBytes the granularity that they have to have; empty for any
   */
  Optional<String> completeAttempt(List<Disk> disks, OptionalLong granularityBytes) {
    return disks.getFirst().bitmaps().stream()
        .map(bitmap -> Parts.of(bitmap.name()))
        .flatMap(Optional::stream)
        .filter(parts -> parts.uid().equals(checkpoint.value()))
        .map(Parts::attempt)
        .filter(
            attempt -> disks.stream().allMatch(disk -> isHealthy(disk, attempt, granularityBytes)))
        .max(Comparator.naturalOrder());
  }

  private boolean isHealthy(Disk disk, String attempt, OptionalLong granularityBytes) {
    return BitmapAt.find(disk, nameOn(disk, attempt))
        .filter(bitmap -> isHealthy(bitmap, granularityBytes))
        .isPresent();
  }

  /** Whether a bitmap lists every write from its creation on, and goes on to do so. */
  static boolean isHealthy(Bitmap bitmap, OptionalLong granularityBytes) {
    return bitmap.recording()
        && bitmap.persistent()
        && !bitmap.inconsistent()
        && granularityBytes.orElse(bitmap.granularityBytes()) == bitmap.granularityBytes();
  }

  /** What the checkpoint's bitmap of an attempt is called on a disk. */
  String nameOn(Disk disk, String attempt) {
    return new Parts(checkpoint.value(), attempt, disk.name()).name();
  }

  /** The markers of those nodes that some bitmaps, once removed, leave without a checkpoint. */
  List<BitmapAt> markersThatGoWith(List<BitmapAt> bitmaps) {
    List<BitmapAt> markers = new ArrayList<>();
    for (BitmapAt leaving : bitmaps) {
      Disk disk = machine.disk(leaving.disk()).orElseThrow();
      boolean lastOnes =
          disk.bitmaps().stream()
              .filter(bitmap -> BitmapNames.isOurs(bitmap.name()))
              .filter(bitmap -> !BitmapNames.isMarker(bitmap.name()))
              .allMatch(bitmap -> bitmaps.stream().anyMatch(BitmapAt.of(disk, bitmap)::isSameAs));
      if (lastOnes) {
        disk.bitmaps().stream()
            .filter(bitmap -> BitmapNames.isMarker(bitmap.name()))
            .map(bitmap -> BitmapAt.of(disk, bitmap))
            .filter(marker -> markers.stream().noneMatch(marker::isSameAs))
            .forEach(markers::add);
      }
    }
    return markers;
  }

  private boolean isOwn(Bitmap bitmap) {
    return Parts.of(bitmap.name())
        .filter(parts -> parts.uid().equals(checkpoint.value()))
        .isPresent();
  }

  private static boolean canBeChanged(Disk disk) {
    return disk.writable()
        && disk.ineligibility().filter(why -> why.reason() == Reason.Inactive).isEmpty();
  }
}
