package dev.vmcheckpoint.sidecar.machine;

import dev.vmcheckpoint.node.ErrorCode;
import dev.vmcheckpoint.node.MutationContext;
import dev.vmcheckpoint.node.NodeApiException;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Refuses changes by a caller that decided on what it saw of an earlier process, or that no longer
 * leads. Thread-safe.
 */
final class MutationGuard {
  private final String startId;
  private final AtomicLong newestTerm = new AtomicLong();

  MutationGuard(String startId) {
    this.startId = startId;
  }

  void requireCurrent(MutationContext context) {
    long newest = newestTerm.accumulateAndGet(context.leaderTerm(), Math::max);
    if (context.leaderTerm() < newest) {
      throw new NodeApiException.Answered(
          ErrorCode.StaleLeaderTerm,
          "the leader of term %d calls, but term %d has called already"
              .formatted(context.leaderTerm(), newest));
    }
    if (!context.startId().equals(startId)) {
      throw new NodeApiException.Answered(
          ErrorCode.StaleStartId,
          "this sidecar's start id is %s: observe, then call again".formatted(startId));
    }
  }
}
