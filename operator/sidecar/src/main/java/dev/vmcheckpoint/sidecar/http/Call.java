package dev.vmcheckpoint.sidecar.http;

import dev.vmcheckpoint.node.CheckpointUid;
import dev.vmcheckpoint.node.EnsureRequest;
import dev.vmcheckpoint.node.MutationContext;
import dev.vmcheckpoint.node.ObserveRequest;
import dev.vmcheckpoint.node.PodUid;

/** A valid request, as its call. */
sealed interface Call {
  record Observe(ObserveRequest request) implements Call {}

  record Ensure(
      PodUid machine, CheckpointUid checkpoint, EnsureRequest request, MutationContext context)
      implements Call {}

  record Remove(PodUid machine, CheckpointUid checkpoint, MutationContext context)
      implements Call {}
}
