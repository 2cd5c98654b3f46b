package dev.vmcheckpoint.controller;

import dev.vmcheckpoint.api.Conditions;
import dev.vmcheckpoint.api.VirtualMachineCheckpoint;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus;
import dev.vmcheckpoint.api.WellKnown;
import dev.vmcheckpoint.controller.decide.Checkpoint;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The resource as decisions see it. */
final class Views {
  /** The longest value of the probe annotation that can be answered, in characters. */
  private static final int MAX_PROBE = 1024;

  private static final VirtualMachineCheckpointStatus UNTOUCHED =
      new VirtualMachineCheckpointStatus(
          -1, null, List.of(), null, null, List.of(), List.of(), null);

  private Views() {}

  static Checkpoint of(VirtualMachineCheckpoint resource) {
    return new Checkpoint(
        resource.getMetadata().getUid(),
        Objects.requireNonNullElse(resource.getMetadata().getGeneration(), 0L),
        resource.getSpec(),
        ours(resource.getStatus()),
        probe(resource));
  }

  /** The value of the annotation by which somebody asks for a probe. */
  static Optional<String> probe(VirtualMachineCheckpoint resource) {
    return Optional.ofNullable(
            resource.getMetadata().getAnnotations().get(WellKnown.PROBE_REQUESTED_AT))
        .filter(value -> value.length() <= MAX_PROBE);
  }

  /** Without the conditions of other writers. */
  private static VirtualMachineCheckpointStatus ours(
      @Nullable VirtualMachineCheckpointStatus status) {
    if (status == null) {
      return UNTOUCHED;
    }
    return new VirtualMachineCheckpointStatus(
        status.observedGeneration(),
        status.lastHandledProbeAt(),
        new Conditions(status.conditions()).list(),
        status.creationTime(),
        status.virtualMachine(),
        status.disks(),
        status.skippedDisks(),
        status.summary());
  }
}
