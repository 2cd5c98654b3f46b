package dev.vmcheckpoint.controller;

import dev.vmcheckpoint.api.VirtualMachineCheckpoint;
import dev.vmcheckpoint.controller.act.Actions;
import dev.vmcheckpoint.controller.act.Attempts;
import dev.vmcheckpoint.controller.act.Outcome;
import dev.vmcheckpoint.controller.decide.Announcement;
import dev.vmcheckpoint.controller.decide.Checkpoint;
import dev.vmcheckpoint.controller.decide.Deletion;
import dev.vmcheckpoint.controller.decide.Deletion.Creation;
import dev.vmcheckpoint.controller.decide.Leftover;
import dev.vmcheckpoint.controller.decide.Observation;
import dev.vmcheckpoint.controller.lead.Leadership;
import dev.vmcheckpoint.controller.leftovers.Leftovers;
import dev.vmcheckpoint.controller.observe.Observer;
import dev.vmcheckpoint.controller.report.Resources;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.javaoperatorsdk.operator.api.reconciler.Context;
import io.javaoperatorsdk.operator.api.reconciler.DeleteControl;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The path of a checkpoint that is to go: observe, decide, act with at most one change, report.
 *
 * @param deletionTimeout how long a deletion waits for bitmaps to be removed
 */
record CheckpointCleanup(
    Observer observer,
    Actions actions,
    Attempts attempts,
    Leftovers leftovers,
    Resources resources,
    Reporter reporter,
    Leadership leadership,
    Duration deletionTimeout,
    Clock clock) {
  private static final Logger LOG = LoggerFactory.getLogger(CheckpointCleanup.class);

  /** Has removed what was made, or records it, and releases the resource: in bounded time. */
  DeleteControl cleanUp(
      VirtualMachineCheckpoint resource, Context<VirtualMachineCheckpoint> context) {
    Checkpoint checkpoint = Views.of(resource);
    Duration toWait = attempts.toWait(checkpoint.uid());
    if (toWait.isPositive()) {
      return DeleteControl.noFinalizerRemoval().rescheduleAfter(toWait);
    }
    Deletion.Request request =
        Deletion.Request.of(
            checkpoint,
            creation(resource),
            Instant.parse(resource.getMetadata().getDeletionTimestamp()),
            deletionTimeout);
    Observation observation = observer.observeForDeletion(resource, checkpoint);
    Deletion deletion = Deletion.decide(request, observation, clock.instant());
    if (deletion instanceof Deletion.Remove(var seen)) {
      deletion =
          switch (actions.remove(resource, seen)) {
            case Outcome.Done(var response) -> Deletion.removed(request, seen, response);
            case Outcome.Failed(var trouble) ->
                Deletion.notRemoved(request, trouble, clock.instant());
            case Outcome.LookAgain<?> _ -> Deletion.overtaken(request, seen, clock.instant());
          };
    }
    return switch (deletion) {
      case Deletion.Release(var announcement) -> release(resource, announcement);
      case Deletion.LeaveBehind left ->
          release(resource, Optional.of(leaveBehind(resource, request, left)));
      case Deletion.Wait(var status) -> {
        reporter.report(resource, status, context);
        yield DeleteControl.noFinalizerRemoval().rescheduleAfter(attempts.failed(checkpoint.uid()));
      }
      case Deletion.Remove _ ->
          DeleteControl.noFinalizerRemoval().rescheduleAfter(attempts.failed(checkpoint.uid()));
    };
  }

  /** What may have been asked of a sidecar, by this process or by an earlier leader. */
  private Creation creation(VirtualMachineCheckpoint resource) {
    String uid = resource.getMetadata().getUid();
    if (attempts.creationMayBegin(uid)) {
      return Creation.UNANSWERED;
    }
    Instant created = Instant.parse(resource.getMetadata().getCreationTimestamp());
    if (created.isBefore(leadership.since())) {
      return Creation.OF_AN_EARLIER_LEADER;
    }
    return attempts.creationWasSent(uid) ? Creation.ENDED : Creation.NEVER_SENT;
  }

  private DeleteControl release(
      VirtualMachineCheckpoint resource, Optional<Announcement> announcement) {
    if (!resources.release(resource)) {
      return DeleteControl.noFinalizerRemoval()
          .rescheduleAfter(CheckpointReconciler.CACHE_IS_BEHIND);
    }
    attempts.forget(resource.getMetadata().getUid());
    announcement.ifPresent(told -> reporter.tell(resource, told));
    return DeleteControl.noFinalizerRemoval();
  }

  /** Records what is left, which must be done before the resource goes; but that ends, too. */
  private Announcement leaveBehind(
      VirtualMachineCheckpoint resource, Deletion.Request request, Deletion.LeaveBehind left) {
    Instant now = clock.instant();
    try {
      leftovers.record(
          new Leftover(
              resource.getMetadata().getUid(),
              resource.getMetadata().getNamespace(),
              request.checkpoint().machineName(),
              now.getEpochSecond(),
              left.mayGrow(),
              left.bitmaps()));
      return left.announcement();
    } catch (KubernetesClientException e) {
      if (now.isBefore(request.deadline().plus(deletionTimeout))) {
        throw e;
      }
      LOG.warn("What is left of {} is not recorded", resource.getMetadata().getUid(), e);
      return Deletion.unrecorded(left.announcement());
    }
  }
}
