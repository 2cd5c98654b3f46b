package dev.vmcheckpoint.controller.decide;

import dev.vmcheckpoint.api.DiskState;
import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.api.VirtualMachineCheckpointSpec;
import dev.vmcheckpoint.api.VirtualMachineCheckpointSpec.Barrier;
import dev.vmcheckpoint.api.VirtualMachineCheckpointSpec.DiskRef;
import dev.vmcheckpoint.api.VirtualMachineCheckpointSpec.IneligibleDisks;
import dev.vmcheckpoint.api.VirtualMachineCheckpointSpec.VirtualMachineRef;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Disk;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Image;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.VirtualMachine;
import dev.vmcheckpoint.controller.decide.Observation.Seen;
import dev.vmcheckpoint.controller.decide.Observation.Unseen;
import dev.vmcheckpoint.node.BitmapObservation;
import dev.vmcheckpoint.node.DiskImage;
import dev.vmcheckpoint.node.DiskObservation;
import dev.vmcheckpoint.node.DiskObservation.Ineligibility;
import dev.vmcheckpoint.node.MachineObservation;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The parts that cases are put together from; each test changes what it is about. */
final class Cases {
  static final Instant NOON = Instant.parse("2026-05-04T12:00:00Z");
  static final Instant LATER = NOON.plusSeconds(90);
  static final String UID = "0a1b2c3d-0000-4000-8000-000000000001";
  static final long GRANULARITY = 65_536;
  static final long SIZE = 1L << 30;
  static final long DIRTY = 10 * GRANULARITY;
  static final VirtualMachine PLACE = new VirtualMachine("db-0-pod", "abcd-1", "node-1");

  static final VirtualMachineCheckpointStatus UNTOUCHED =
      new VirtualMachineCheckpointStatus(
          -1, null, List.of(), null, null, List.of(), List.of(), null);

  private Cases() {}

  static VirtualMachineCheckpointSpec spec(String... disks) {
    return new VirtualMachineCheckpointSpec(
        new VirtualMachineRef("db-0"),
        Arrays.stream(disks).map(DiskRef::new).toList(),
        IneligibleDisks.Fail,
        null,
        Barrier.Flush);
  }

  static VirtualMachineCheckpointSpec skipping() {
    return new VirtualMachineCheckpointSpec(
        new VirtualMachineRef("db-0"), List.of(), IneligibleDisks.Skip, null, Barrier.Flush);
  }

  static VirtualMachineCheckpointSpec unflushed() {
    return new VirtualMachineCheckpointSpec(
        new VirtualMachineRef("db-0"), List.of(), IneligibleDisks.Fail, "4Ki", Barrier.None);
  }

  static Checkpoint checkpoint(
      VirtualMachineCheckpointSpec spec, VirtualMachineCheckpointStatus status) {
    return new Checkpoint(UID, 1, spec, status, Optional.empty());
  }

  /** A decision where no disk has too many checkpoints. */
  static Decision decide(
      Checkpoint checkpoint, Observation observation, List<OnRecord> others, Instant now) {
    return Decider.decide(checkpoint, observation, others, new CheckpointLimit(64), now);
  }

  static Checkpoint fresh() {
    return checkpoint(spec(), UNTOUCHED);
  }

  static Checkpoint established(Disk... disks) {
    return checkpoint(spec(), establishedStatus(disks));
  }

  static VirtualMachineCheckpointStatus establishedStatus(Disk... disks) {
    return new VirtualMachineCheckpointStatus(
        1, null, List.of(), NOON, PLACE, List.of(disks), List.of(), null);
  }

  static Checkpoint probed(Checkpoint checkpoint, String probe) {
    return new Checkpoint(
        checkpoint.uid(),
        checkpoint.generation(),
        checkpoint.spec(),
        checkpoint.status(),
        Optional.of(probe));
  }

  static Checkpoint saying(Checkpoint checkpoint, VirtualMachineCheckpointStatus status) {
    return new Checkpoint(
        checkpoint.uid(), checkpoint.generation(), checkpoint.spec(), status, checkpoint.probe());
  }

  static String bitmapOf(String disk) {
    return "vmcp-%s.attempt.%s".formatted(UID, disk);
  }

  static String fileOf(String disk) {
    return "/disks/%s.qcow2".formatted(disk);
  }

  /** A disk as it is recorded: recording, and with {@link #DIRTY} bytes changed. */
  static Disk recorded(String disk) {
    return recorded(disk, "e0", new Image(fileOf(disk), List.of("/disks/base.qcow2"), null));
  }

  static Disk recorded(String disk, @Nullable String epoch, @Nullable Image image) {
    return new Disk(
        disk,
        DiskState.Recording,
        Reason.Recording,
        null,
        bitmapOf(disk),
        epoch,
        disk + "-format",
        image,
        SIZE,
        GRANULARITY,
        DIRTY);
  }

  /** A bitmap as it should be. */
  static BitmapObservation bitmap(String disk) {
    return new BitmapObservation(
        bitmapOf(disk), GRANULARITY, DIRTY, true, true, false, false, Optional.of(false));
  }

  static BitmapObservation counting(String disk, long dirtyBytes) {
    return new BitmapObservation(
        bitmapOf(disk), GRANULARITY, dirtyBytes, true, true, false, false, Optional.of(false));
  }

  /** The transient marker of an opening. */
  static BitmapObservation open(String epoch) {
    return new BitmapObservation(
        "vmcp-open." + epoch, 1L << 31, 0, false, false, false, false, Optional.of(false));
  }

  /** The persistent marker of an opening. */
  static BitmapObservation epoch(String epoch) {
    return epoch(epoch, false);
  }

  /** The same where the image lists it already. */
  static BitmapObservation storedEpoch(String epoch) {
    return new BitmapObservation(
        "vmcp-epoch." + epoch, 1L << 31, 0, false, true, false, false, Optional.of(true));
  }

  static BitmapObservation epoch(String epoch, boolean inconsistent) {
    return new BitmapObservation(
        "vmcp-epoch." + epoch, 1L << 31, 0, false, true, false, inconsistent, Optional.of(false));
  }

  static DiskImage image(String disk) {
    return new DiskImage(fileOf(disk), List.of("/disks/base.qcow2"), Optional.empty());
  }

  /** A disk as QEMU shows it, on the recorded image, in the recorded opening. */
  static DiskObservation disk(String name, BitmapObservation... bitmaps) {
    return disk(name, image(name), SIZE, bitmaps);
  }

  /** A disk in the recorded opening. */
  static DiskObservation disk(
      String name, DiskImage image, long size, BitmapObservation... bitmaps) {
    return layered(
        name,
        image,
        size,
        Stream.concat(Stream.of(epoch("e0"), open("e0")), Arrays.stream(bitmaps)).toList(),
        List.of());
  }

  /** A disk on the recorded image with just these bitmaps. */
  static DiskObservation reopened(String name, BitmapObservation... bitmaps) {
    return reopened(name, image(name), SIZE, bitmaps);
  }

  /** A disk with just these bitmaps. */
  static DiskObservation reopened(
      String name, DiskImage image, long size, BitmapObservation... bitmaps) {
    return layered(name, image, size, List.of(bitmaps), List.of());
  }

  /** A disk with bitmaps on its active image and on the layers below. */
  static DiskObservation layered(
      String name,
      DiskImage image,
      long size,
      List<BitmapObservation> bitmaps,
      List<DiskObservation.Layer> lower) {
    return new DiskObservation(
        name,
        name + "-format",
        true,
        Optional.empty(),
        Optional.of(image),
        size,
        bitmaps,
        lower,
        Optional.empty());
  }

  static DiskObservation ineligible(String name, Reason reason, boolean writable) {
    return new DiskObservation(
        name,
        name + "-node",
        writable,
        Optional.of(new Ineligibility(reason.name(), "it is " + reason)),
        Optional.of(image(name)),
        SIZE,
        List.of(),
        List.of(),
        Optional.empty());
  }

  static MachineObservation machine(DiskObservation... disks) {
    return machine("7.2.22", "running", disks);
  }

  static MachineObservation machine(String version, String runState, DiskObservation... disks) {
    return new MachineObservation(version, runState, true, "none", List.of(disks));
  }

  static Seen seen(DiskObservation... disks) {
    return seen(machine(disks));
  }

  static Seen seen(MachineObservation machine) {
    return new Seen(PLACE, "node-1", "start-1", machine);
  }

  static Unseen unseen(Reason reason) {
    return new Unseen(reason, "it is " + reason, Optional.of(PLACE), false);
  }

  static Unseen gone() {
    return new Unseen(Reason.VirtualMachineNotFound, "no pod", Optional.empty(), true);
  }
}
