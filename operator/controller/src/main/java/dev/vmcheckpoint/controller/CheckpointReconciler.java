package dev.vmcheckpoint.controller;

import dev.vmcheckpoint.api.VirtualMachineCheckpoint;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus;
import dev.vmcheckpoint.controller.act.Actions;
import dev.vmcheckpoint.controller.act.Attempts;
import dev.vmcheckpoint.controller.act.Outcome;
import dev.vmcheckpoint.controller.decide.Checkpoint;
import dev.vmcheckpoint.controller.decide.CheckpointLimit;
import dev.vmcheckpoint.controller.decide.Decider;
import dev.vmcheckpoint.controller.decide.Decision;
import dev.vmcheckpoint.controller.decide.Observation;
import dev.vmcheckpoint.controller.decide.OnRecord;
import dev.vmcheckpoint.controller.decide.Renewals;
import dev.vmcheckpoint.controller.decide.Transitions;
import dev.vmcheckpoint.controller.lead.Leadership;
import dev.vmcheckpoint.controller.leftovers.LeftoverSweep;
import dev.vmcheckpoint.controller.observe.Observer;
import dev.vmcheckpoint.controller.observe.OnRecords;
import dev.vmcheckpoint.controller.schedule.Aside;
import dev.vmcheckpoint.controller.schedule.Turns;
import io.javaoperatorsdk.operator.api.reconciler.Cleaner;
import io.javaoperatorsdk.operator.api.reconciler.Context;
import io.javaoperatorsdk.operator.api.reconciler.DeleteControl;
import io.javaoperatorsdk.operator.api.reconciler.EventSourceContext;
import io.javaoperatorsdk.operator.api.reconciler.Reconciler;
import io.javaoperatorsdk.operator.api.reconciler.UpdateControl;
import io.javaoperatorsdk.operator.processing.event.source.EventSource;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * The whole path from what is there to what is said: observe, decide, act with at most one change,
 * report. A failure of the API server is thrown, and retried; everything else is an outcome.
 */
public final class CheckpointReconciler
    implements Reconciler<VirtualMachineCheckpoint>, Cleaner<VirtualMachineCheckpoint> {
  /** The cache is behind for about as long as a watch takes to tell. */
  static final Duration CACHE_IS_BEHIND = Duration.ofMillis(200);

  /**
   * As many as may call one node for one namespace. Each has what it sees of the machine in memory:
   * up to a MiB, and more while it is read.
   */
  private static final int AT_ONCE_PER_MACHINE = 8;

  private final Observer observer;
  private final Actions actions;
  private final Attempts attempts;
  private final Tidier tidier;
  private final Reporter reporter;
  private final CheckpointCleanup cleanup;
  private final LeftoverSweep sweep;
  private final Leadership leadership;
  private final Settings settings;
  private final Turns turns;
  private final Clock clock;

  /**
   * What users may set.
   *
   * @param pollInterval time between two looks at all machines with checkpoints
   * @param limit of checkpoints per disk
   */
  public record Settings(Duration pollInterval, CheckpointLimit limit) {}

  CheckpointReconciler(
      Observer observer,
      Actions actions,
      Attempts attempts,
      Tidier tidier,
      Reporter reporter,
      CheckpointCleanup cleanup,
      LeftoverSweep sweep,
      Leadership leadership,
      Settings settings,
      Aside aside,
      Clock clock) {
    this.observer = observer;
    this.actions = actions;
    this.attempts = attempts;
    this.tidier = tidier;
    this.reporter = reporter;
    this.cleanup = cleanup;
    this.sweep = sweep;
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
    // Only an established one is compared with others, of which there may be thousands.
    List<OnRecord> others =
        checkpoint.status().established()
            ? OnRecords.ofMachine(context.getPrimaryCache(), resource)
            : List.of();
    return switch (Decider.decide(
        checkpoint, observation, others, settings.limit(), clock.instant())) {
      case Decision.Report(var status) when status.equals(checkpoint.status()) -> {
        // Only now: what a status may still rely on is not removed.
        tidier.tidy(resource, checkpoint, observation, () -> cached(resource, context));
        yield UpdateControl.noUpdate();
      }
      case Decision.Report(var status) -> after(reporter.report(resource, status, context));
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
      case Outcome.Done(var renewed) -> {
        VirtualMachineCheckpointStatus status =
            Renewals.renewed(checkpoint, renew, renewed, clock.instant());
        boolean said = reporter.report(resource, status, context);
        if (said && renewed.troubles().isEmpty()) {
          attempts.succeeded(checkpoint.uid());
          yield UpdateControl.noUpdate();
        }
        yield said ? again(attempts.failed(checkpoint.uid())) : after(false);
      }
      case Outcome.Failed(var trouble) -> {
        VirtualMachineCheckpointStatus status =
            Renewals.notRenewed(checkpoint, renew, trouble, clock.instant());
        reporter.report(resource, status, context);
        yield again(attempts.failed(checkpoint.uid()));
      }
      case Outcome.LookAgain<?> _ -> again(attempts.failed(checkpoint.uid()));
    };
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
        boolean said = reporter.report(current, status, context);
        if (said && status.established()) {
          attempts.succeeded(checkpoint.uid());
          Transitions.onEstablished(create, response).forEach(told -> reporter.tell(current, told));
          yield UpdateControl.noUpdate();
        }
        yield said ? again(attempts.failed(checkpoint.uid())) : after(false);
      }
      case Outcome.Failed(var trouble) -> {
        reporter.report(
            resource, Decider.notCreated(checkpoint, create, trouble, clock.instant()), context);
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
    return turns.take(Observer.machine(resource), () -> cleanup.cleanUp(resource, context));
  }

  private static UpdateControl<VirtualMachineCheckpoint> after(boolean reported) {
    return reported ? UpdateControl.noUpdate() : again(CACHE_IS_BEHIND);
  }

  private static UpdateControl<VirtualMachineCheckpoint> again(Duration delay) {
    return UpdateControl.<VirtualMachineCheckpoint>noUpdate().rescheduleAfter(delay);
  }
}
