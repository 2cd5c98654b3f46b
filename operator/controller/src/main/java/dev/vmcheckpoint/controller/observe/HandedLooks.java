package dev.vmcheckpoint.controller.observe;

import dev.vmcheckpoint.controller.decide.Checkpoint;
import dev.vmcheckpoint.controller.decide.Look;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
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
   * @param established whether it was established then
   * @param looks by the UIDs of pods
   */
  record Handed(String uid, boolean established, Map<String, Look> looks) {
    /**
     * Whether the looks may be judged: not one that began before the checkpoint was established,
     * nor one that began before somebody asked for a probe.
     */
    private boolean serves(Checkpoint checkpoint) {
      return uid.equals(checkpoint.uid())
          && (established || !checkpoint.status().established())
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
