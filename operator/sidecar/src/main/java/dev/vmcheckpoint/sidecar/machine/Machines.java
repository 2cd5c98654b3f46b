package dev.vmcheckpoint.sidecar.machine;

import dev.vmcheckpoint.node.BitmapsDigest;
import dev.vmcheckpoint.node.CheckpointUid;
import dev.vmcheckpoint.node.EnsureRequest;
import dev.vmcheckpoint.node.EnsureResponse;
import dev.vmcheckpoint.node.EpochRequest;
import dev.vmcheckpoint.node.EpochResponse;
import dev.vmcheckpoint.node.ErrorCode;
import dev.vmcheckpoint.node.MachineReport;
import dev.vmcheckpoint.node.MutationContext;
import dev.vmcheckpoint.node.NodeApi;
import dev.vmcheckpoint.node.NodeApiException;
import dev.vmcheckpoint.node.ObserveRequest;
import dev.vmcheckpoint.node.ObserveResponse;
import dev.vmcheckpoint.node.PodUid;
import dev.vmcheckpoint.node.Problem;
import dev.vmcheckpoint.node.RemoveResponse;
import dev.vmcheckpoint.qmp.Deadline;
import dev.vmcheckpoint.qmp.ReplyMemory;
import dev.vmcheckpoint.qmp.Timeouts;
import dev.vmcheckpoint.qmp.checkpoint.Checkpoints;
import dev.vmcheckpoint.qmp.flush.NodeFlusher;
import dev.vmcheckpoint.qmp.machine.Machine;
import dev.vmcheckpoint.qmp.machine.MachineState;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.BiFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The calls, carried out on this node's machines. */
public final class Machines implements NodeApi {
  private static final Logger LOG = LoggerFactory.getLogger(Machines.class);

  private final Path podsDirectory;
  private final String startId;
  private final Duration lookTime;
  private final Timeouts timeouts;
  private final ReplyMemory memory = new ReplyMemory(Runtime.getRuntime().maxMemory());
  private final MachineLocks locks = new MachineLocks();
  private final MutationGuard guard;

  /**
   * @param podsDirectory where the kubelet keeps the directories of its pods
   * @param startId random, drawn by this process
   * @param lookTime how long the look at one machine may take, waiting for its turn included
   */
  public Machines(Path podsDirectory, String startId, Duration lookTime, Timeouts timeouts) {
    this.podsDirectory = podsDirectory;
    this.startId = startId;
    this.lookTime = lookTime;
    this.timeouts = timeouts;
    this.guard = new MutationGuard(startId);
  }

  /** Each machine on a thread of its own, so that one that hangs delays no other. */
  @Override
  public ObserveResponse observe(ObserveRequest request) {
    Deadline deadline = Deadline.after(lookTime);
    AnswerRoom room = new AnswerRoom(request.machines().size());
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<CompletableFuture<MachineReport>> looks =
          request.machines().stream()
              .map(ObserveRequest.Target::podUID)
              .map(
                  machine ->
                      CompletableFuture.supplyAsync(
                          () -> room.fit(look(machine, deadline)), threads))
              .toList();
      return new ObserveResponse(startId, looks.stream().map(CompletableFuture::join).toList());
    }
  }

  @Override
  public EnsureResponse ensureCheckpoint(
      PodUid machine, CheckpointUid checkpoint, EnsureRequest request, MutationContext context) {
    return change(
        machine,
        context,
        (checkpoints, deadline) ->
            WireForm.of(
                checkpoints.ensure(
                    idOf(checkpoint),
                    request.disks(),
                    found -> isAsObserved(found, checkpoint, request),
                    request.granularityBytes().map(OptionalLong::of).orElse(OptionalLong.empty()),
                    barrierOf(request),
                    deadline)));
  }

  private static boolean isAsObserved(
      MachineState found, CheckpointUid checkpoint, EnsureRequest request) {
    return request
        .observed()
        .map(digest -> digest.equals(BitmapsDigest.of(WireForm.of(found), checkpoint)))
        .orElse(true);
  }

  @Override
  public RemoveResponse removeCheckpoint(
      PodUid machine, CheckpointUid checkpoint, MutationContext context) {
    return change(
        machine,
        context,
        (checkpoints, deadline) -> WireForm.of(checkpoints.remove(idOf(checkpoint), deadline)));
  }

  @Override
  public RemoveResponse removeBitmap(
      PodUid machine, CheckpointUid checkpoint, String bitmap, MutationContext context) {
    return change(
        machine,
        context,
        (checkpoints, deadline) ->
            WireForm.of(checkpoints.remove(idOf(checkpoint), bitmap, deadline)));
  }

  @Override
  public EpochResponse renewEpoch(PodUid machine, EpochRequest request, MutationContext context) {
    return change(
        machine,
        context,
        (checkpoints, deadline) ->
            WireForm.of(request, checkpoints.renew(WireForm.renewals(request), deadline)));
  }

  private MachineReport look(PodUid machine, Deadline deadline) {
    try (MachineLocks.Held _ = locks.acquire(machine, deadline)) {
      return new MachineReport.Observed(
          machine,
          monitor(machine)
              .talk(
                  deadline, (qmp, _) -> WireForm.of(new Machine(qmp, timeouts).observe(deadline))));
    } catch (NodeApiException.Answered failure) {
      return new MachineReport.Failed(machine, failure.problem());
    } catch (RuntimeException e) {
      LOG.error("looking at machine {} failed", machine, e);
      return new MachineReport.Failed(
          machine, Problem.of(ErrorCode.Internal, "unexpected %s; the log has it".formatted(e)));
    }
  }

  private <T> T change(
      PodUid machine, MutationContext context, BiFunction<Checkpoints, Deadline, T> change) {
    Deadline deadline = Deadline.after(Duration.ofMillis(context.deadlineMillis()));
    guard.requireCurrent(context);
    try (MachineLocks.Held _ = locks.acquire(machine, deadline)) {
      // Once more: while this call waited for its turn, a newer leader may have called.
      guard.requireCurrent(context);
      return monitor(machine)
          .talk(
              deadline,
              (qmp, volume) ->
                  change.apply(
                      new Checkpoints(qmp, new NodeFlusher(qmp, volume, timeouts), timeouts),
                      deadline));
    }
  }

  private Monitor monitor(PodUid machine) {
    return new Monitor(podsDirectory, machine, timeouts, memory);
  }

  private static dev.vmcheckpoint.qmp.checkpoint.CheckpointUid idOf(CheckpointUid checkpoint) {
    return new dev.vmcheckpoint.qmp.checkpoint.CheckpointUid(checkpoint.value());
  }

  private static dev.vmcheckpoint.qmp.checkpoint.Barrier barrierOf(EnsureRequest request) {
    return switch (request.barrier()) {
      case Flush -> dev.vmcheckpoint.qmp.checkpoint.Barrier.FLUSH;
      case None -> dev.vmcheckpoint.qmp.checkpoint.Barrier.NONE;
    };
  }
}
