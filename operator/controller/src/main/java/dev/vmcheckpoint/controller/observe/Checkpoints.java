package dev.vmcheckpoint.controller.observe;

import dev.vmcheckpoint.api.VirtualMachineCheckpoint;
import dev.vmcheckpoint.api.WellKnown;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.javaoperatorsdk.operator.processing.event.source.IndexerResourceCache;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The checkpoints in the cache, by their machines. One without our finalizer is not among them: it
 * is about to get it, or to go, and to wake it meanwhile would only have the finalizer sent twice.
 */
final class Checkpoints {
  /** The index by {@link MachinePods#machine}. */
  static final String BY_MACHINE = "machine";

  private final IndexerResourceCache<VirtualMachineCheckpoint> cache;

  /** Takes over a cache that is not yet started. */
  Checkpoints(IndexerResourceCache<VirtualMachineCheckpoint> cache) {
    this.cache = cache;
    cache.addIndexers(Map.of(BY_MACHINE, checkpoint -> List.of(machine(checkpoint))));
  }

  /** Those of a machine, as {@link MachinePods#machine} names it. */
  Set<ResourceID> of(String machine) {
    return cache.byIndex(BY_MACHINE, machine).stream()
        .filter(Checkpoints::hasFinalizer)
        .map(ResourceID::fromResource)
        .collect(Collectors.toSet());
  }

  Stream<VirtualMachineCheckpoint> all() {
    return cache.list(Checkpoints::hasFinalizer);
  }

  private static boolean hasFinalizer(VirtualMachineCheckpoint checkpoint) {
    return checkpoint.hasFinalizer(WellKnown.FINALIZER);
  }

  /** The machine of a checkpoint, as {@link MachinePods#machine} names it. */
  static String machine(VirtualMachineCheckpoint checkpoint) {
    return MachinePods.machine(
        checkpoint.getMetadata().getNamespace(), checkpoint.getSpec().virtualMachineRef().name());
  }
}
