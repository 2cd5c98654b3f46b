package dev.vmcheckpoint.node;

import java.util.HashSet;
import java.util.List;

/**
 * Body of {@code PUT /v1/machines/{podUID}/epoch}: what is on record for some disks is carried over
 * to the present opening of their images.
 *
 * @param disks 1 to {@value EnsureRequest#MAX_DISKS}, each once
 */
public record EpochRequest(List<Disk> disks) {
  /** The most bitmaps that a call brings up to date on one disk. */
  public static final int MAX_MERGE = 8;

  /** The most markers that a call removes from one disk. */
  public static final int MAX_REMOVE = 16;

  public EpochRequest {
    disks = List.copyOf(disks);
    if (disks.isEmpty() || disks.size() > EnsureRequest.MAX_DISKS) {
      throw new IllegalArgumentException(
          "disks: 1 to %d, but %d were given".formatted(EnsureRequest.MAX_DISKS, disks.size()));
    }
    List<String> names = disks.stream().map(Disk::name).toList();
    if (new HashSet<>(names).size() != names.size()) {
      throw new IllegalArgumentException("disks: one is named twice in %s".formatted(names));
    }
  }

  /** Names of the disks that have to be flushed. */
  public List<String> disksToFlush() {
    return disks.stream().filter(Disk::flush).map(Disk::name).toList();
  }

  /**
   * One disk.
   *
   * @param name the device's id
   * @param recorded id of the epoch that the caller has on record: that of the present opening's
   *     markers, or of a consistent persistent marker on the active image or on a layer below;
   *     otherwise the whole call is refused
   * @param merge names of checkpoints' bitmaps that an overlay carried along: what lower layers
   *     list under the same name is merged into the active image's; at most {@value #MAX_MERGE}
   * @param remove ids of persistent markers to be removed from the active image, neither {@code
   *     recorded} nor that of the present opening; absent is success; at most {@value #MAX_REMOVE}
   * @param flush whether the active image has to be flushed, as after a job moved data into it
   */
  public record Disk(
      String name, String recorded, List<String> merge, List<String> remove, boolean flush) {
    public Disk {
      merge = List.copyOf(merge);
      remove = List.copyOf(remove);
      Identifiers.requireEpoch("recorded", recorded);
      requireAtMost("merge", merge, MAX_MERGE);
      merge.forEach(bitmap -> Identifiers.requireBitmap("merge", bitmap));
      requireAtMost("remove", remove, MAX_REMOVE);
      remove.forEach(id -> Identifiers.requireEpoch("remove", id));
      if (remove.contains(recorded)) {
        throw new IllegalArgumentException(
            "remove: %s is on record for the disk %s".formatted(recorded, name));
      }
    }

    private static void requireAtMost(String member, List<String> values, int most) {
      if (values.size() > most) {
        throw new IllegalArgumentException(
            "%s: at most %d, but %d were given".formatted(member, most, values.size()));
      }
    }
  }
}
