package dev.vmcheckpoint.controller.observe;

import dev.vmcheckpoint.api.VirtualMachineCheckpoint;
import dev.vmcheckpoint.controller.decide.OnRecord;
import io.javaoperatorsdk.operator.api.reconciler.IndexedResourceCache;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;

/** The disks in the statuses of checkpoints. */
public final class OnRecords {
  private OnRecords() {}

  /** Those of all of them. */
  public static List<OnRecord> of(Stream<VirtualMachineCheckpoint> checkpoints) {
    return checkpoints.flatMap(OnRecords::of).toList();
  }

  /**
   * Those of the checkpoints of a checkpoint's machine, as far as the cache knows.
   *
   * @param cache one that {@link Observer#watch} watches
   */
  public static List<OnRecord> ofMachine(
      IndexedResourceCache<VirtualMachineCheckpoint> cache, VirtualMachineCheckpoint checkpoint) {
    return of(cache.byIndex(Checkpoints.BY_MACHINE, Checkpoints.machine(checkpoint)).stream());
  }

  /** Most of a flood of checkpoints have no disk, and are not worth a further look. */
  private static Stream<OnRecord> of(VirtualMachineCheckpoint checkpoint) {
    if (checkpoint.getStatus() == null || checkpoint.getStatus().disks().isEmpty()) {
      return Stream.empty();
    }
    String uid = checkpoint.getMetadata().getUid();
    Instant created = Instant.parse(checkpoint.getMetadata().getCreationTimestamp());
    String machine = checkpoint.getSpec().virtualMachineRef().name();
    return checkpoint.getStatus().disks().stream()
        .map(disk -> new OnRecord(uid, created, machine, disk));
  }
}
