package dev.vmcheckpoint.node;

/**
 * The calls of one node's sidecar. Each either returns or throws a {@link NodeApiException}, which
 * says what is known of the outcome. Implementations are safe for use by several threads.
 */
public interface NodeApi {
  /** Looks at each of the machines. */
  ObserveResponse observe(ObserveRequest request);

  /** Makes sure that each disk has the checkpoint's bitmap: adopts a complete set, or adds one. */
  EnsureResponse ensureCheckpoint(
      PodUid machine, CheckpointUid checkpoint, EnsureRequest request, MutationContext context);

  /** Removes the checkpoint's bitmaps from the active, writable layers. */
  RemoveResponse removeCheckpoint(
      PodUid machine, CheckpointUid checkpoint, MutationContext context);

  /**
   * Removes one bitmap of the checkpoint from the active, writable layer that has it.
   *
   * @param bitmap its name, which has to be of the checkpoint
   */
  RemoveResponse removeBitmap(
      PodUid machine, CheckpointUid checkpoint, String bitmap, MutationContext context);

  /**
   * Carries what is on record for some disks over to the present opening of their images: marks the
   * opening, brings up to date bitmaps that an overlay carried along, removes markers that were
   * replaced. Refused before anything is changed where a disk lacks the marker on record.
   */
  EpochResponse renewEpoch(PodUid machine, EpochRequest request, MutationContext context);
}
