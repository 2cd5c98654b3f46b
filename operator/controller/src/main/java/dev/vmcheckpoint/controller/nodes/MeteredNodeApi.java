package dev.vmcheckpoint.controller.nodes;

import dev.vmcheckpoint.node.CheckpointUid;
import dev.vmcheckpoint.node.EnsureRequest;
import dev.vmcheckpoint.node.EnsureResponse;
import dev.vmcheckpoint.node.EpochRequest;
import dev.vmcheckpoint.node.EpochResponse;
import dev.vmcheckpoint.node.MutationContext;
import dev.vmcheckpoint.node.NodeApi;
import dev.vmcheckpoint.node.NodeApiException;
import dev.vmcheckpoint.node.ObserveRequest;
import dev.vmcheckpoint.node.ObserveResponse;
import dev.vmcheckpoint.node.PodUid;
import dev.vmcheckpoint.node.RemoveResponse;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.util.function.Supplier;

/** Measures how long calls take, and how they end, and tells of those without an answer. */
public final class MeteredNodeApi implements NodeApi {
  private final String node;
  private final NodeApi delegate;
  private final MeterRegistry meters;
  private final SilentSidecars silent;

  /**
   * The calls of one sidecar.
   *
   * @param node the node that it runs on
   */
  public MeteredNodeApi(
      String node, NodeApi delegate, MeterRegistry meters, SilentSidecars silent) {
    this.node = node;
    this.delegate = delegate;
    this.meters = meters;
    this.silent = silent;
  }

  @Override
  public ObserveResponse observe(ObserveRequest request) {
    return timed("observe", () -> delegate.observe(request));
  }

  @Override
  public EnsureResponse ensureCheckpoint(
      PodUid machine, CheckpointUid checkpoint, EnsureRequest request, MutationContext context) {
    return timed("ensure", () -> delegate.ensureCheckpoint(machine, checkpoint, request, context));
  }

  @Override
  public RemoveResponse removeCheckpoint(
      PodUid machine, CheckpointUid checkpoint, MutationContext context) {
    return timed("remove", () -> delegate.removeCheckpoint(machine, checkpoint, context));
  }

  @Override
  public RemoveResponse removeBitmap(
      PodUid machine, CheckpointUid checkpoint, String bitmap, MutationContext context) {
    return timed("removeBitmap", () -> delegate.removeBitmap(machine, checkpoint, bitmap, context));
  }

  @Override
  public EpochResponse renewEpoch(PodUid machine, EpochRequest request, MutationContext context) {
    return timed("renewEpoch", () -> delegate.renewEpoch(machine, request, context));
  }

  private <T> T timed(String call, Supplier<T> calling) {
    Timer.Sample sample = Timer.start(meters);
    String outcome = "Failed";
    try {
      T answer = calling.get();
      outcome = "OK";
      silent.answered(node);
      return answer;
    } catch (NodeApiException e) {
      outcome = outcome(e);
      silent.failed(node, e);
      throw e;
    } finally {
      sample.stop(meters.timer("vmcheckpoint.sidecar.calls", "call", call, "outcome", outcome));
    }
  }

  private static String outcome(NodeApiException failure) {
    return switch (failure) {
      case NodeApiException.Answered answered -> answered.problem().code();
      case NodeApiException.Unreachable _ -> "Unreachable";
      case NodeApiException.NoAnswer _ -> "NoAnswer";
    };
  }
}
