package dev.vmcheckpoint.controller.observe;

import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Disk;
import dev.vmcheckpoint.controller.decide.Checkpoint;
import dev.vmcheckpoint.controller.decide.Look;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** What the poll saw, on its way to the reconciliation that it triggers. Each is used once. */
final class HandedLooks {
  private final Map<ResourceID, Handed> handed = new ConcurrentHashMap<>();

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

  void hand(ResourceID id, Handed looks) {
    handed.put(id, looks);
  }

  /** Takes what there is for the checkpoint. */
  Map<String, Look> take(ResourceID id, Checkpoint checkpoint) {
    return Optional.ofNullable(handed.remove(id))
        .filter(found -> found.serves(checkpoint))
        .map(Handed::looks)
        .orElseGet(Map::of);
  }

  /** Forgets what was handed to others than these. */
  void retain(Set<ResourceID> ids) {
    handed.keySet().retainAll(ids);
  }
}
