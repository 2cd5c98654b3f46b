package dev.vmcheckpoint.controller.decide;

import dev.vmcheckpoint.controller.decide.Observation.Seen;
import dev.vmcheckpoint.node.BitmapObservation;
import dev.vmcheckpoint.node.DiskImage;
import dev.vmcheckpoint.node.DiskObservation;
import dev.vmcheckpoint.node.MachineObservation;
import dev.vmcheckpoint.node.RemoveResponse;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** What to do about a leftover whose machine may have been seen. */
public sealed interface Sweep {

  /** Nothing now. */
  record Wait() implements Sweep {}

  /**
   * Have the checkpoint's bitmaps removed.
   *
   * @param seen the look that this was decided on
   */
  record Remove(Seen seen) implements Sweep {}

  /**
   * There is nothing that could be removed now.
   *
   * @param remaining bitmaps that are still left, in images that are not active
   */
  record Settled(List<Leftover.Bitmap> remaining) implements Sweep {
    public Settled {
      remaining = List.copyOf(remaining);
    }
  }

  /** Decides. */
  static Sweep decide(Leftover leftover, Observation observation) {
    if (!(observation instanceof Seen seen)) {
      return new Wait();
    }
    String prefix = "vmcp-" + leftover.checkpoint() + ".";
    boolean isThere =
        seen.machine().disks().stream()
            .filter(Sweep::canBeChanged)
            .flatMap(disk -> disk.bitmaps().stream())
            .anyMatch(bitmap -> bitmap.name().startsWith(prefix));
    return isThere
        ? new Remove(seen)
        : new Settled(remaining(leftover.bitmaps(), seen, nothing(prefix, seen)));
  }

  /** What a removal would answer that finds nothing to remove. */
  private static RemoveResponse nothing(String prefix, Seen seen) {
    List<RemoveResponse.Below> below = new ArrayList<>();
    for (DiskObservation disk : seen.machine().disks()) {
      if (!canBeChanged(disk)) {
        String file = disk.image().map(DiskImage::file).orElse("");
        below.addAll(below(prefix, disk, file, disk.bitmaps()));
      }
      disk.lower()
          .forEach(layer -> below.addAll(below(prefix, disk, layer.file(), layer.bitmaps())));
    }
    return new RemoveResponse(List.of(), below);
  }

  private static boolean canBeChanged(DiskObservation disk) {
    return disk.writable() && !DiskJudge.isInactive(disk);
  }

  private static List<RemoveResponse.Below> below(
      String prefix, DiskObservation disk, String file, List<BitmapObservation> bitmaps) {
    return bitmaps.stream()
        .map(BitmapObservation::name)
        .filter(name -> name.startsWith(prefix))
        .map(name -> new RemoveResponse.Below(disk.name(), file, name))
        .toList();
  }

  /**
   * What is left after a removal: every bitmap that was seen neither removed nor absent from an
   * image that is there, and what the removal saw below.
   *
   * @param known what was known before
   * @param seen the look before the removal
   */
  static List<Leftover.Bitmap> remaining(
      List<Leftover.Bitmap> known, Seen seen, RemoveResponse response) {
    Set<Leftover.Bitmap> remaining = new LinkedHashSet<>();
    for (Leftover.Bitmap bitmap : known) {
      if (!isGone(bitmap, seen, response)) {
        remaining.add(bitmap);
      }
    }
    response
        .below()
        .forEach(
            below ->
                remaining.add(new Leftover.Bitmap(below.disk(), below.file(), below.bitmap())));
    return List.copyOf(remaining);
  }

  private static boolean isGone(Leftover.Bitmap bitmap, Seen seen, RemoveResponse response) {
    boolean removed =
        response.removed().stream().anyMatch(gone -> gone.bitmap().equals(bitmap.name()));
    boolean attached =
        seen.machine().disks().stream()
            .flatMap(disk -> disk.image().stream())
            .anyMatch(
                image ->
                    image.file().equals(bitmap.file()) || image.backing().contains(bitmap.file()));
    // One that the look did show, and the removal did not find, went with its disk in between.
    return removed
        || (attached && !isShown(bitmap, seen.machine()) && Absence.counts(seen.machine()));
  }

  private static boolean isShown(Leftover.Bitmap bitmap, MachineObservation machine) {
    return machine.disks().stream()
        .anyMatch(
            disk ->
                (disk.image().filter(image -> image.file().equals(bitmap.file())).isPresent()
                        && has(disk.bitmaps(), bitmap.name()))
                    || disk.lower().stream()
                        .anyMatch(
                            layer ->
                                layer.file().equals(bitmap.file())
                                    && has(layer.bitmaps(), bitmap.name())));
  }

  private static boolean has(List<BitmapObservation> bitmaps, String name) {
    return bitmaps.stream().anyMatch(bitmap -> bitmap.name().equals(name));
  }
}
