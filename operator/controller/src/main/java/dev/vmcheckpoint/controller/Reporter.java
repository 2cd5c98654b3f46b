package dev.vmcheckpoint.controller;

import dev.vmcheckpoint.api.VirtualMachineCheckpoint;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus;
import dev.vmcheckpoint.controller.decide.Announcement;
import dev.vmcheckpoint.controller.decide.Checkpoint;
import dev.vmcheckpoint.controller.decide.Transitions;
import dev.vmcheckpoint.controller.report.Events;
import dev.vmcheckpoint.controller.report.Resources;
import io.javaoperatorsdk.operator.api.reconciler.Context;

/** Says how things are: in the status, and in an event where something has changed for its user. */
record Reporter(Resources resources, Events events, Tidier tidier) {

  /** Says what has changed, if anything has; returns false where the resource is another by now. */
  boolean report(
      VirtualMachineCheckpoint resource,
      VirtualMachineCheckpointStatus status,
      Context<VirtualMachineCheckpoint> context) {
    Checkpoint before = Views.of(resource);
    if (status.equals(before.status())) {
      return true;
    }
    if (!resources.apply(resource, status, context)) {
      return false;
    }
    tidier.written(resource, before, status);
    Transitions.between(before.status(), status).forEach(told -> tell(resource, told));
    return true;
  }

  /** Says what happened in an event alone. */
  void tell(VirtualMachineCheckpoint resource, Announcement told) {
    events.tell(resource, told);
  }
}
