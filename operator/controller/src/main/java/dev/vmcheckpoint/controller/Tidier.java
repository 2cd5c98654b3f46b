package dev.vmcheckpoint.controller;

import dev.vmcheckpoint.api.VirtualMachineCheckpoint;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus;
import dev.vmcheckpoint.controller.act.Actions;
import dev.vmcheckpoint.controller.act.Attempts;
import dev.vmcheckpoint.controller.act.ObsoleteMarkers;
import dev.vmcheckpoint.controller.act.Outcome;
import dev.vmcheckpoint.controller.decide.Checkpoint;
import dev.vmcheckpoint.controller.decide.Observation;
import dev.vmcheckpoint.controller.decide.ObsoleteMarker;
import dev.vmcheckpoint.controller.decide.OnRecord;
import dev.vmcheckpoint.controller.decide.Tidying;
import java.util.List;
import java.util.function.Supplier;

/** Has removed what no disk relies on any more, one thing at a time, and tries again later. */
final class Tidier {
  private final Actions actions;
  private final Attempts attempts;
  private final ObsoleteMarkers obsolete = new ObsoleteMarkers();

  Tidier(Actions actions, Attempts attempts) {
    this.actions = actions;
    this.attempts = attempts;
  }

  /** A status was written; what it took off the record may be removed one day. */
  void written(
      VirtualMachineCheckpoint resource,
      Checkpoint before,
      VirtualMachineCheckpointStatus written) {
    obsolete.add(
        resource.getMetadata().getNamespace(),
        before.machineName(),
        Tidying.replaced(before.status(), written));
  }

  /**
   * Has something removed, if there is anything.
   *
   * @param checkpoint one of which everything is said
   * @param cached disks of every checkpoint of the namespace, as far as the cache knows; asked for
   *     only where it matters, as they may be many
   */
  void tidy(
      VirtualMachineCheckpoint resource,
      Checkpoint checkpoint,
      Observation observation,
      Supplier<List<OnRecord>> cached) {
    String namespace = resource.getMetadata().getNamespace();
    String machine = checkpoint.machineName();
    obsolete.add(namespace, machine, Tidying.broken(checkpoint, observation));
    if (attempts.toWait(checkpoint.uid()).isPositive()) {
      return;
    }
    switch (Tidying.decide(checkpoint, observation, obsolete.of(namespace, machine), cached)) {
      case Tidying.Nothing _ -> {}
      case Tidying.RemoveBitmap removal -> ended(checkpoint, actions.remove(resource, removal));
      case Tidying.RemoveMarkers removal -> {
        Outcome<List<ObsoleteMarker>> outcome = actions.remove(resource, removal);
        if (outcome instanceof Outcome.Done<List<ObsoleteMarker>>(var gone)) {
          obsolete.removed(namespace, machine, gone);
        }
        ended(checkpoint, outcome);
      }
    }
  }

  private void ended(Checkpoint checkpoint, Outcome<?> outcome) {
    if (outcome instanceof Outcome.Done<?>) {
      attempts.succeeded(checkpoint.uid());
    } else {
      attempts.failed(checkpoint.uid());
    }
  }
}
