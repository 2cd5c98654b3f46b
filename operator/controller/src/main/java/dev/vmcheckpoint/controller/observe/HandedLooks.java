package dev.vmcheckpoint.controller.observe;

import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Disk;
import dev.vmcheckpoint.controller.decide.Checkpoint;
import dev.vmcheckpoint.controller.decide.Look;
import dev.vmcheckpoint.node.BitmapObservation;
import dev.vmcheckpoint.node.DiskObservation;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * What the poll saw, on its way to the reconciliation that it triggers. Each is used once. All
 * together take no more memory than they may: what does not fit is left out, and the reconciliation
 * looks itself. Safe for use by several threads.
 */
final class HandedLooks {
  /** About the part of the operator's heap that can be spared for them. */
  static final long MAX_BYTES = 32 << 20;

  private static final int BYTES_PER_NAME = 128;
  private static final int BYTES_PER_DISK = 512;

  private final Map<ResourceID, Handed> handed = new HashMap<>();

  /** How many checkpoints each look is handed to: all those of one machine share it. */
  private final IdentityHashMap<Look, Integer> sharers = new IdentityHashMap<>();

  private long bytes;

  /**
   * Looks that were made for one checkpoint.
   *
   * @param uid the checkpoint's UID when the looks began
   * @param record its disks as they were on record then
   * @param looks by the UIDs of pods
   */
  record Handed(String uid, List<Disk> record, Map<String, Look> looks) {
    Handed {
      record = List.copyOf(record);
      looks = Map.copyOf(looks);
    }

    /**
     * Whether the looks may be judged: not one that began before what is on record now, since that
     * may hold what was not there yet, such as a marker or a greater count; nor one that began
     * before somebody asked for a probe.
     */
    private boolean serves(Checkpoint checkpoint) {
      return uid.equals(checkpoint.uid())
          && record.equals(checkpoint.status().disks())
          && !checkpoint.probeIsPending();
    }
  }

  /** Hands them, if there is room. */
  synchronized void hand(ResourceID id, Handed looks) {
    var _ = drop(id);
    if (bytes + newBytes(looks) <= MAX_BYTES) {
      handed.put(id, looks);
      looks.looks().values().forEach(this::share);
    }
  }

  private long newBytes(Handed looks) {
    return looks.looks().values().stream()
        .filter(look -> !sharers.containsKey(look))
        .mapToLong(HandedLooks::bytes)
        .sum();
  }

  private void share(Look look) {
    if (sharers.merge(look, 1, Integer::sum) == 1) {
      bytes += bytes(look);
    }
  }

  private void unshare(Look look) {
    if (sharers.merge(look, -1, Integer::sum) == 0) {
      sharers.remove(look);
      bytes -= bytes(look);
    }
  }

  private Optional<Handed> drop(ResourceID id) {
    Optional<Handed> dropped = Optional.ofNullable(handed.remove(id));
    dropped.ifPresent(found -> found.looks().values().forEach(this::unshare));
    return dropped;
  }

  /** About what it takes in memory. */
  private static long bytes(Look look) {
    return switch (look) {
      case Look.Failed _ -> BYTES_PER_DISK;
      case Look.Seen seen ->
          BYTES_PER_DISK + seen.machine().disks().stream().mapToLong(HandedLooks::bytes).sum();
    };
  }

  private static long bytes(DiskObservation disk) {
    Stream<String> files =
        disk.image().stream()
            .flatMap(image -> Stream.concat(Stream.of(image.file()), image.backing().stream()));
    Stream<String> bitmaps =
        Stream.concat(
                disk.bitmaps().stream(),
                disk.lower().stream().flatMap(layer -> layer.bitmaps().stream()))
            .map(BitmapObservation::name);
    return BYTES_PER_DISK
        + Stream.concat(files, bitmaps).mapToLong(name -> BYTES_PER_NAME + name.length()).sum();
  }

  /** Takes what there is for the checkpoint. */
  synchronized Map<String, Look> take(ResourceID id, Checkpoint checkpoint) {
    return drop(id).filter(found -> found.serves(checkpoint)).map(Handed::looks).orElseGet(Map::of);
  }

  /** Forgets what was handed to others than these. */
  synchronized void retain(Set<ResourceID> ids) {
    for (ResourceID id : List.copyOf(handed.keySet())) {
      if (!ids.contains(id)) {
        var _ = drop(id);
      }
    }
  }
}
