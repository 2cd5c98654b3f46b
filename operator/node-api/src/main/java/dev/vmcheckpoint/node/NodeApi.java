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
}
