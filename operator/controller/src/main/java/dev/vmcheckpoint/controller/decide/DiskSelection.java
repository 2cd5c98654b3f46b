package dev.vmcheckpoint.controller.decide;

import static java.util.stream.Collectors.joining;

import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.api.VirtualMachineCheckpointSpec;
import dev.vmcheckpoint.api.VirtualMachineCheckpointSpec.DiskRef;
import dev.vmcheckpoint.api.VirtualMachineCheckpointSpec.IneligibleDisks;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Disk;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.SkippedDisk;
import dev.vmcheckpoint.node.DiskObservation;
import dev.vmcheckpoint.node.DiskObservation.Ineligibility;
import dev.vmcheckpoint.node.EnsureRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Which of a machine's disks a checkpoint is of. */
public sealed interface DiskSelection {

  /**
   * These disks.
   *
   * @param names device ids, at least one
   * @param skipped writable disks that are left out, as the spec permits
   */
  record Selected(List<String> names, List<SkippedDisk> skipped) implements DiskSelection {
    public Selected {
      names = List.copyOf(names);
      skipped = List.copyOf(skipped);
    }
  }

  /**
   * No checkpoint can be made.
   *
   * @param disks what can be said about single disks
   */
  record Rejected(Reason reason, String message, List<Disk> disks) implements DiskSelection {
    public Rejected {
      disks = List.copyOf(disks);
    }
  }

  /** Selects from the machine's disks what the spec asks for. */
  static DiskSelection of(VirtualMachineCheckpointSpec spec, List<DiskObservation> disks) {
    return spec.disks().isEmpty()
        ? everyWritable(spec.ineligibleDisks(), disks)
        : named(spec.disks().stream().map(DiskRef::name).toList(), disks);
  }

  private static DiskSelection everyWritable(
      IneligibleDisks ineligibleDisks, List<DiskObservation> disks) {
    List<String> eligible = new ArrayList<>();
    List<SkippedDisk> ineligible = new ArrayList<>();
    for (DiskObservation disk : disks) {
      if (disk.writable()) {
        whyIneligible(disk)
            .ifPresentOrElse(
                why ->
                    ineligible.add(
                        new SkippedDisk(
                            disk.name(), Reason.named(why.reason()), Texts.bounded(why.message()))),
                () -> eligible.add(disk.name()));
      }
    }
    if (!ineligible.isEmpty() && ineligibleDisks == IneligibleDisks.Fail) {
      return new Rejected(
          Reason.DiskIneligible,
          ineligible.stream().map(d -> about(d.name(), d.message())).collect(joining("; ")),
          List.of());
    }
    if (eligible.isEmpty()) {
      return new Rejected(
          Reason.NoEligibleDisk,
          ineligible.isEmpty()
              ? "the machine has no writable disk"
              : ineligible.stream().map(d -> about(d.name(), d.message())).collect(joining("; ")),
          List.of());
    }
    if (eligible.size() > EnsureRequest.MAX_DISKS) {
      return new Rejected(
          Reason.TooManyDisks,
          "the machine has %d writable disks, a checkpoint at most %d"
              .formatted(eligible.size(), EnsureRequest.MAX_DISKS),
          List.of());
    }
    return new Selected(eligible, ineligible);
  }

  private static DiskSelection named(List<String> names, List<DiskObservation> disks) {
    List<Disk> missing = new ArrayList<>();
    List<Disk> ineligible = new ArrayList<>();
    for (String name : names) {
      find(name, disks)
          .ifPresentOrElse(
              disk ->
                  whyIneligible(disk)
                      .ifPresent(
                          why ->
                              ineligible.add(
                                  Disk.pending(
                                      name,
                                      Reason.named(why.reason()),
                                      Texts.bounded(why.message())))),
              () ->
                  missing.add(
                      Disk.pending(name, Reason.DiskNotFound, "the machine has no such disk")));
    }
    if (!missing.isEmpty()) {
      return new Rejected(
          Reason.DiskNotFound,
          "the machine has no disk %s; it has %s"
              .formatted(
                  missing.stream().map(Disk::name).collect(joining(", ")),
                  disks.stream().map(DiskObservation::name).collect(joining(", "))),
          missing);
    }
    if (!ineligible.isEmpty()) {
      return new Rejected(
          Reason.DiskIneligible,
          ineligible.stream().map(d -> about(d.name(), d.message())).collect(joining("; ")),
          ineligible);
    }
    return new Selected(names, List.of());
  }

  private static Optional<Ineligibility> whyIneligible(DiskObservation disk) {
    if (disk.ineligible().isPresent() || disk.writable()) {
      return disk.ineligible();
    }
    return Optional.of(new Ineligibility(Reason.ReadOnly.name(), "the disk is read-only"));
  }

  private static Optional<DiskObservation> find(String name, List<DiskObservation> disks) {
    return disks.stream().filter(disk -> disk.name().equals(name)).findFirst();
  }

  private static String about(String disk, @Nullable String message) {
    return "disk %s: %s".formatted(disk, message);
  }
}
