package dev.vmcheckpoint.proof;

import dev.vmcheckpoint.proof.fixture.Resource;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Holds what the statuses say, after a handled probe, against the model and against the disks. */
final class Checker {
  /**
   * How long a disk may go on being Unknown without a reason: a process that was killed has to
   * start again, on a machine that may be busy.
   */
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(40);

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

  /** Looks at QEMU itself: restores what may be relied on, and at what must not have changed. */
  private void compare() {
    if (!world.machine().isRunning()) {
      return;
    }
    for (String device : world.devices().keySet()) {
      List<QemuBitmap> there = world.bitmaps(device);
      requireNoneAnew(device, there);
      compare(device, there);
    }
  }

  /** A bitmap that is gone stays gone, and no checkpoint has another one than it says. */
  private void requireNoneAnew(String device, List<QemuBitmap> there) {
    Volume volume = world.volume(device);
    for (Tracked tracked : world.checkpoints()) {
      Set<String> known =
          tracked.disks().stream()
              .map(TrackedDisk::bitmap)
              .filter(volume.bitmaps()::has)
              .collect(Collectors.toSet());
      for (QemuBitmap bitmap : there) {
        if (tracked.isEstablished()
            && bitmap.isHealthy()
            && bitmap.name().startsWith("vmcp-" + tracked.resource().uid() + ".")
            && !known.contains(bitmap.name())
            && !world.lateBitmaps().contains(bitmap.name())) {
          throw new AssertionError(
              "%s has %s, which was made after checkpoint %s was established"
                  .formatted(device, bitmap, tracked.resource().name()));
        }
      }
    }
  }

  private void compare(String device, List<QemuBitmap> there) {
    Bitmaps model = world.volume(device).bitmaps();
    List<TrackedDisk> recording =
        world.disks().filter(disk -> disk.isRecording() && disk.device().equals(device)).toList();
    List<String> foreign = world.foreign().stream().filter(model::has).toList();
    List<String> wanted =
        Stream.concat(recording.stream().map(TrackedDisk::bitmap), foreign.stream()).toList();
    for (String bitmap : wanted) {
      if (there.stream().noneMatch(found -> found.name().equals(bitmap) && found.isHealthy())) {
        throw new AssertionError(
            "%s should have a healthy bitmap %s, but has %s".formatted(device, bitmap, there));
      }
    }
    if (wanted.isEmpty()) {
      return;
    }
    DiskReader.Snapshot snapshot = new DiskReader(world.machine()).read(world.node(device), wanted);
    for (String bitmap : wanted) {
      model
          .missingFrom(bitmap, snapshot.listedBy(bitmap))
          .ifPresent(
              missing -> {
                throw new Lie(
                    "bitmap %s of %s does not list %s".formatted(bitmap, device, missing));
              });
    }
    for (TrackedDisk disk : recording) {
      disk.bases()
          .forEach(
              base ->
                  requireExact(disk, base, snapshot.listedBy(disk.bitmap()), snapshot.content()));
    }
  }

  private void requireExact(TrackedDisk disk, Content base, Extents listed, Content now) {
    int wrong = base.restored(listed, now).mismatch(now);
    if (wrong >= 0) {
      throw new Lie(
          "the checkpoint lied: a restore is wrong at byte %d of %s".formatted(wrong, disk));
    }
    world.tally().count("restore exact");
    if (disk.volume().openings() > disk.firstOpening()) {
      world.tally().count("restore exact after a restart");
    }
    if (disk.volume().commits() > disk.commitsBefore()) {
      world.tally().count("restore exact after a commit");
    }
    if (!disk.volume().active().equals(disk.firstImage())) {
      world
          .tally()
          .count(
              disk.volume().chain().size() > 1
                  ? "restore exact on a carried overlay"
                  : "restore exact after a move");
    }
  }
}
