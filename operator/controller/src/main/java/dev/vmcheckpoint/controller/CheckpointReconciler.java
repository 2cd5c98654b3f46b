package dev.vmcheckpoint.controller;

import dev.vmcheckpoint.api.VirtualMachineCheckpoint;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus;
import dev.vmcheckpoint.controller.act.Actions;
import dev.vmcheckpoint.controller.act.Attempts;
import dev.vmcheckpoint.controller.act.Outcome;
import dev.vmcheckpoint.controller.decide.Announcement;
import dev.vmcheckpoint.controller.decide.Checkpoint;
import dev.vmcheckpoint.controller.decide.CheckpointLimit;
import dev.vmcheckpoint.controller.decide.Decider;
import dev.vmcheckpoint.controller.decide.Decision;
import dev.vmcheckpoint.controller.decide.Deletion;
import dev.vmcheckpoint.controller.decide.Deletion.Creation;
import dev.vmcheckpoint.controller.decide.Leftover;
import dev.vmcheckpoint.controller.decide.Observation;
import dev.vmcheckpoint.controller.decide.OnRecord;
import dev.vmcheckpoint.controller.decide.Renewals;
import dev.vmcheckpoint.controller.decide.Transitions;
import dev.vmcheckpoint.controller.decide.Troubles.Trouble;
import dev.vmcheckpoint.controller.lead.Leadership;
import dev.vmcheckpoint.controller.leftovers.LeftoverSweep;
import dev.vmcheckpoint.controller.leftovers.Leftovers;
import dev.vmcheckpoint.controller.observe.Observer;
import dev.vmcheckpoint.controller.observe.OnRecords;
import dev.vmcheckpoint.controller.report.Events;
import dev.vmcheckpoint.controller.report.Resources;
import dev.vmcheckpoint.controller.schedule.Aside;
import dev.vmcheckpoint.controller.schedule.Turns;
import dev.vmcheckpoint.node.EpochResponse;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.javaoperatorsdk.operator.api.reconciler.Cleaner;
import io.javaoperatorsdk.operator.api.reconciler.Context;
import io.javaoperatorsdk.operator.api.reconciler.DeleteControl;
import io.javaoperatorsdk.operator.api.reconciler.EventSourceContext;
import io.javaoperatorsdk.operator.api.reconciler.Reconciler;
import io.javaoperatorsdk.operator.api.reconciler.UpdateControl;
import io.javaoperatorsdk.operator.processing.event.source.EventSource;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The whole path from what is there to what is said: observe, decide, act with at most one change,
 * report. A failure of the API server is thrown, and retried; everything else is an outcome.
 */
public final class CheckpointReconciler
    implements Reconciler<VirtualMachineCheckpoint>, Cleaner<VirtualMachineCheckpoint> {
  private static final Logger LOG = LoggerFactory.getLogger(CheckpointReconciler.class);

  /** The cache is behind for about as long as a watch takes to tell. */
  private static final Duration CACHE_IS_BEHIND = Duration.ofMillis(200);

  /**
   * As many as may call one node for one namespace. Each has what it sees of the machine in memory:
   * up to a MiB, and more while it is read.
   */
  private static final int AT_ONCE_PER_MACHINE = 8;

  private final Observer observer;
  private final Actions actions;
  private final Attempts attempts;
  private final Tidier tidier;
  private final Leftovers leftovers;
  private final Turns turns;
  private final LeftoverSweep sweep;
  private final Resources resources;
  private final Events events;
  private final Leadership leadership;
  private final Settings settings;
  private final Clock clock;

  /**
   * What users may set.
   *
   * @param pollInterval time between two looks at all machines with checkpoints
   * @param deletionTimeout how long a deletion waits for bitmaps to be removed
   * @param limit of checkpoints per disk
   */
  public record Settings(Duration pollInterval, Duration deletionTimeout, CheckpointLimit limit) {}

  CheckpointReconciler(
      Observer observer,
      Actions actions,
      Attempts attempts,
      Leftovers leftovers,
      LeftoverSweep sweep,
      Resources resources,
      Events events,
      Leadership leadership,
      Settings settings,
      Aside aside,
      Clock clock) {
    this.observer = observer;
    this.actions = actions;
    this.attempts = attempts;
    this.tidier = new Tidier(actions, attempts);
    this.leftovers = leftovers;
    this.sweep = sweep;
    this.resources = resources;
    this.events = events;
    this.leadership = leadership;
    this.settings = settings;
    this.turns = new Turns(AT_ONCE_PER_MACHINE, aside);
    this.clock = clock;
  }

  @Override
  public List<EventSource<?, VirtualMachineCheckpoint>> prepareEventSources(
      EventSourceContext<VirtualMachineCheckpoint> context) {
    List<EventSource<?, VirtualMachineCheckpoint>> sources =
        new ArrayList<>(observer.watch(context, leadership, settings.pollInterval()));
    sources.add(sweep);
    return sources;
  }

  @Override
  public UpdateControl<VirtualMachineCheckpoint> reconcile(
      VirtualMachineCheckpoint resource, Context<VirtualMachineCheckpoint> context) {
    return turns.take(Observer.machine(resource), () -> inTurn(resource, context));
  }

  private UpdateControl<VirtualMachineCheckpoint> inTurn(
      VirtualMachineCheckpoint resource, Context<VirtualMachineCheckpoint> context) {
    Checkpoint checkpoint = Views.of(resource);
    Observation observation = observer.observe(resource, checkpoint);
    List<OnRecord> others = OnRecords.ofMachine(context.getPrimaryCache(), resource);
    return switch (Decider.decide(
        checkpoint, observation, others, settings.limit(), clock.instant())) {
      case Decision.Report(var status) when status.equals(checkpoint.status()) -> {
        // Only now: what a status may still rely on is not removed.
        tidier.tidy(resource, checkpoint, observation, () -> cached(resource, context));
        yield UpdateControl.noUpdate();
      }
      case Decision.Report(var status) -> {
        boolean said = report(resource, status, context);
        if (said) {
          tidier.written(resource, checkpoint, status);
        }
        yield after(said);
      }
      case Decision.Create create -> {
        Duration toWait = attempts.toWait(checkpoint.uid());
        yield toWait.isPositive() ? again(toWait) : create(resource, checkpoint, create, context);
      }
      case Decision.Renew renew -> renew(resource, checkpoint, renew, context);
    };
  }

  private UpdateControl<VirtualMachineCheckpoint> renew(
      VirtualMachineCheckpoint resource,
      Checkpoint checkpoint,
      Decision.Renew renew,
      Context<VirtualMachineCheckpoint> context) {
    return switch (actions.renew(resource, renew)) {
      case Outcome.Done(var response) -> {
        attempts.succeeded(checkpoint.uid());
        VirtualMachineCheckpointStatus status =
            Renewals.renewed(checkpoint, renew, response, clock.instant());
        boolean said = report(resource, status, context);
        if (said) {
          tidier.written(resource, checkpoint, status);
        }
        yield after(said);
      }
      case Outcome.Failed(var trouble)
          when trouble.isOfADisk() && renew.request().disks().size() > 1 ->
          renewApart(resource, checkpoint, renew, context);
      case Outcome.Failed(var trouble) -> notRenewed(resource, checkpoint, renew, trouble, context);
      case Outcome.LookAgain<?> _ -> again(attempts.failed(checkpoint.uid()));
    };
  }

  /** What stands in the way of one disk costs no other. */
  private UpdateControl<VirtualMachineCheckpoint> renewApart(
      VirtualMachineCheckpoint resource,
      Checkpoint checkpoint,
      Decision.Renew renew,
      Context<VirtualMachineCheckpoint> context) {
    List<EpochResponse> responses = new ArrayList<>();
    Map<String, Trouble> troubles = new HashMap<>();
    for (Decision.Renew alone : renew.apart()) {
      switch (actions.renew(resource, alone)) {
        case Outcome.Done(var response) -> responses.add(response);
        case Outcome.Failed(var trouble) -> {
          if (!trouble.isOfADisk()) {
            return notRenewed(resource, checkpoint, renew, trouble, context);
          }
          troubles.put(alone.request().disks().getFirst().name(), trouble);
        }
        case Outcome.LookAgain<?> _ -> {
          return again(attempts.failed(checkpoint.uid()));
        }
      }
    }
    VirtualMachineCheckpointStatus status =
        Renewals.renewed(checkpoint, renew, responses, troubles, clock.instant());
    boolean said = report(resource, status, context);
    if (said) {
      tidier.written(resource, checkpoint, status);
    }
    if (said && troubles.isEmpty()) {
      attempts.succeeded(checkpoint.uid());
      return UpdateControl.noUpdate();
    }
    return again(attempts.failed(checkpoint.uid()));
  }

  private UpdateControl<VirtualMachineCheckpoint> notRenewed(
      VirtualMachineCheckpoint resource,
      Checkpoint checkpoint,
      Decision.Renew renew,
      Trouble trouble,
      Context<VirtualMachineCheckpoint> context) {
    report(resource, Renewals.notRenewed(checkpoint, renew, trouble, clock.instant()), context);
    return again(attempts.failed(checkpoint.uid()));
  }

  private UpdateControl<VirtualMachineCheckpoint> create(
      VirtualMachineCheckpoint resource,
      Checkpoint checkpoint,
      Decision.Create create,
      Context<VirtualMachineCheckpoint> context) {
    return switch (actions.create(resource, create)) {
      case Outcome.Done(Actions.Created(var current, var response)) -> {
        VirtualMachineCheckpointStatus status =
            Decider.created(Views.of(current), create, response, clock.instant());
        boolean said = report(current, status, context);
        if (said && status.established()) {
          attempts.succeeded(checkpoint.uid());
          Transitions.onEstablished(create, response).forEach(told -> events.tell(current, told));
          yield UpdateControl.noUpdate();
        }
        yield said ? again(attempts.failed(checkpoint.uid())) : after(false);
      }
      case Outcome.Failed(var trouble) -> {
        report(resource, Decider.notCreated(checkpoint, create, trouble, clock.instant()), context);
        yield again(attempts.failed(checkpoint.uid()));
      }
      case Outcome.LookAgain<Actions.Created> _ -> again(attempts.failed(checkpoint.uid()));
    };
  }

  private static List<OnRecord> cached(
      VirtualMachineCheckpoint resource, Context<VirtualMachineCheckpoint> context) {
    return OnRecords.of(context.getPrimaryCache().list(resource.getMetadata().getNamespace()));
  }

  @Override
  public DeleteControl cleanup(
      VirtualMachineCheckpoint resource, Context<VirtualMachineCheckpoint> context) {
    return turns.take(Observer.machine(resource), () -> cleanUpInTurn(resource, context));
  }

  private DeleteControl cleanUpInTurn(
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
            settings.deletionTimeout());
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
        report(resource, status, context);
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
      return DeleteControl.noFinalizerRemoval().rescheduleAfter(CACHE_IS_BEHIND);
    }
    attempts.forget(resource.getMetadata().getUid());
    announcement.ifPresent(told -> events.tell(resource, told));
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
      if (now.isBefore(request.deadline().plus(settings.deletionTimeout()))) {
        throw e;
      }
      LOG.warn("What is left of {} is not recorded", resource.getMetadata().getUid(), e);
      return Deletion.unrecorded(left.announcement());
    }
  }

  /** Says what has changed, if anything has; returns false where the resource is another by now. */
  private boolean report(
      VirtualMachineCheckpoint resource,
      VirtualMachineCheckpointStatus status,
      Context<VirtualMachineCheckpoint> context) {
    VirtualMachineCheckpointStatus before = Views.of(resource).status();
    if (status.equals(before)) {
      return true;
    }
    if (!resources.apply(resource, status, context)) {
      return false;
    }
    Transitions.between(before, status).forEach(told -> events.tell(resource, told));
    return true;
  }

  private static UpdateControl<VirtualMachineCheckpoint> after(boolean reported) {
    return reported ? UpdateControl.noUpdate() : again(CACHE_IS_BEHIND);
  }

  private static UpdateControl<VirtualMachineCheckpoint> again(Duration delay) {
    return UpdateControl.<VirtualMachineCheckpoint>noUpdate().rescheduleAfter(delay);
  }
}
