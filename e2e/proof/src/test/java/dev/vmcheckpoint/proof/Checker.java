package dev.vmcheckpoint.proof;

import dev.vmcheckpoint.proof.fixture.Resource;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Holds what the statuses say, after a handled probe, against the model and against the disks. */
final class Checker {
  /** How long a disk may go on being Unknown without a reason. */
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(20);

  private final World world;

  Checker(World world) {
    this.world = world;
  }

  /** Probes all checkpoints and checks everything that can be checked of them. */
  void check() {
    long end = System.nanoTime() + PATIENCE_NANOS;
    boolean settled = false;
    while (!settled) {
      probe();
      boolean last = System.nanoTime() > end;
      settled =
          world
              .disks()
              .map(disk -> disk.wasLost() || Expectation.of(world, disk).accepts(disk, last))
              .reduce(true, Boolean::logicalAnd);
      compare();
    }
    world
        .disks()
        .forEach(disk -> world.tally().count("disk %s, %s".formatted(disk.state(), disk.reason())));
  }

  /** Probes all checkpoints and returns the disks that may be relied on. */
  List<TrackedDisk> recording() {
    probe();
    return world.disks().filter(TrackedDisk::isRecording).toList();
  }

  private void probe() {
    world.system().requireAlive();
    Resource.probe(world.checkpoints(), Tracked::resource)
        .forEach((tracked, status) -> tracked.isSaid(status, world.devices()));
    world.disks().filter(TrackedDisk::isRecording).forEach(TrackedDisk::isSeen);
  }

  /** Restores what may be relied on, disk by disk. */
  private void compare() {
    for (String device : world.devices().keySet()) {
      List<TrackedDisk> recording =
          world.disks().filter(disk -> disk.isRecording() && disk.device().equals(device)).toList();
      if (!recording.isEmpty()) {
        compare(device, recording);
      }
    }
  }

  private void compare(String device, List<TrackedDisk> disks) {
    DiskReader.Snapshot snapshot =
        new DiskReader(world.machine())
            .read(world.node(device), disks.stream().map(TrackedDisk::bitmap).toList());
    for (TrackedDisk disk : disks) {
      Extents listed = snapshot.listedBy(disk.bitmap());
      disk.volume()
          .bitmaps()
          .missingFrom(disk.bitmap(), listed)
          .ifPresent(
              missing -> {
                throw new AssertionError("%s does not list %s".formatted(disk, missing));
              });
      disk.bases().forEach(base -> requireExact(disk, base, listed, snapshot.content()));
    }
  }

  private void requireExact(TrackedDisk disk, Content base, Extents listed, Content now) {
    int wrong = base.restored(listed, now).mismatch(now);
    if (wrong >= 0) {
      throw new AssertionError(
          "the checkpoint lied: a restore is wrong at byte %d of %s".formatted(wrong, disk));
    }
    world.tally().count("restore exact");
  }
}
