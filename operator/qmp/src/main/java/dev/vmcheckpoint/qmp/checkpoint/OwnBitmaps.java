package dev.vmcheckpoint.qmp.checkpoint;

import dev.vmcheckpoint.qmp.checkpoint.BitmapAt.Place;
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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What one look at a machine shows of one checkpoint. A tenant's machine can show thousands of its
 * bitmaps, so that nothing here may take time that grows faster than their number.
 */
record OwnBitmaps(CheckpointUid checkpoint, MachineState machine) {
  /** Every bitmap of the checkpoint that can be removed, whatever its attempt or disk. */
  List<BitmapAt> removable() {
    // Two devices can share a node.
    Map<Place, BitmapAt> found = new LinkedHashMap<>();
    for (Disk disk : machine.disks()) {
      if (!canBeChanged(disk)) {
        continue;
      }
      for (Bitmap bitmap : disk.bitmaps()) {
        if (isOwn(bitmap)) {
          BitmapAt at = BitmapAt.of(disk, bitmap);
          found.putIfAbsent(at.place(), at);
        }
      }
    }
    return List.copyOf(found.values());
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
    Set<Place> leaving = bitmaps.stream().map(BitmapAt::place).collect(Collectors.toSet());
    Map<Place, BitmapAt> markers = new LinkedHashMap<>();
    for (String name : bitmaps.stream().map(BitmapAt::disk).distinct().toList()) {
      Disk disk = machine.disk(name).orElseThrow();
      boolean lastOnes =
          disk.bitmaps().stream()
              .filter(bitmap -> BitmapNames.isOurs(bitmap.name()))
              .filter(bitmap -> !BitmapNames.isMarker(bitmap.name()))
              .allMatch(bitmap -> leaving.contains(BitmapAt.of(disk, bitmap).place()));
      if (lastOnes) {
        disk.bitmaps().stream()
            .filter(bitmap -> BitmapNames.isMarker(bitmap.name()))
            .map(bitmap -> BitmapAt.of(disk, bitmap))
            .forEach(marker -> markers.putIfAbsent(marker.place(), marker));
      }
    }
    return List.copyOf(markers.values());
  }

  private boolean isOwn(Bitmap bitmap) {
    return BitmapNames.isOf(checkpoint, bitmap.name());
  }

  private static boolean canBeChanged(Disk disk) {
    return disk.writable()
        && disk.ineligibility().filter(why -> why.reason() == Reason.Inactive).isEmpty();
  }
}
