package dev.vmcheckpoint.proof;

import dev.vmcheckpoint.proof.fixture.Monitor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What backup tools do. It costs a checkpoint nothing. */
final class CopySteps {
  private CopySteps() {}

  /** How a base copy is made. */
  enum Way {
    /** Past QEMU: a storage snapshot or a copy of the file. */
    FILE,
    /** Through QEMU, over NBD. */
    NBD,
    /** Through QEMU, by a backup job. */
    JOB
  }

  /**
   * Makes a full copy of each disk, which is a base for those that were Recording before and after.
   */
  record Copy(Way way) implements Step {
    @Override
    public boolean take(World world) {
      if (!world.machine().isRunning() || world.checkpoints().isEmpty()) {
        return false;
      }
      Checker checker = new Checker(world);
      List<TrackedDisk> before = checker.recording();
      for (String device : world.devices().keySet()) {
        Content copy = copy(world, device);
        for (TrackedDisk disk : checker.recording()) {
          if (disk.device().equals(device)
              && before.contains(disk)
              && (way != Way.FILE || disk.isFlushed())) {
            disk.addBase(copy);
            world.tally().count("base copy " + way);
          }
        }
      }
      return true;
    }

    private Content copy(World world, String device) {
      return switch (way) {
        case FILE -> copyFile(world, device);
        case NBD -> read(world, device);
        case JOB -> copyByJob(world, device);
      };
    }

    private static Content copyFile(World world, String device) {
      Path copy = Images.copy(world.volume(device).active(), world.newFile(".copy"));
      return Images.content(copy.toString(), "qcow2", world.machine().folder());
    }

    private static Content copyByJob(World world, String device) {
      Path copy = world.newFile(".raw");
      Monitor monitor = world.machine().monitor();
      monitor.run(
          "drive-backup",
          "job-id",
          "proof",
          "device",
          world.node(device),
          "target",
          copy.toString(),
          "format",
          "raw",
          "sync",
          "full",
          "auto-dismiss",
          false);
      Jobs.awaitEnd(monitor, "proof");
      try {
        return Content.of(Files.readAllBytes(copy));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  /**
   * A full copy of all disks that takes its time, as README.md tells tools to make it.
   *
   * @param relied what each disk of a checkpoint was, of those that were Recording when it began
   * @param halves the first half of each device that was there
   */
  record Begun(Map<TrackedDisk, Proof> relied, Map<String, Content> halves) {}

  /** What has to be the same before and after a copy: where the disk was read from. */
  record Proof(Path image, String epoch) {
    static Proof of(TrackedDisk disk) {
      return new Proof(disk.recordedImage(), disk.epoch());
    }
  }

  /** Asks for a look, and reads the first half of each disk. */
  record BeginCopy() implements Step {
    @Override
    public boolean take(World world) {
      if (!world.machine().isRunning() || world.checkpoints().isEmpty()) {
        return false;
      }
      Map<TrackedDisk, Proof> relied = new HashMap<>();
      new Checker(world).recording().forEach(disk -> relied.put(disk, Proof.of(disk)));
      Map<String, Content> halves = new HashMap<>();
      world.devices().keySet().forEach(device -> halves.put(device, read(world, device)));
      world.begin(new Begun(relied, halves));
      return true;
    }
  }

  /** Reads the second half, asks for a look, and keeps the copies that count. */
  record EndCopy() implements Step {
    @Override
    public boolean take(World world) {
      if (!world.machine().isRunning()) {
        return false;
      }
      return world.takeBegun().map(begun -> end(world, begun)).isPresent();
    }

    private static Begun end(World world, Begun begun) {
      Map<String, Content> seconds = new HashMap<>();
      world.devices().keySet().forEach(device -> seconds.put(device, read(world, device)));
      List<TrackedDisk> recording = new Checker(world).recording();
      begun
          .relied()
          .forEach(
              (disk, before) -> {
                Content first = begun.halves().get(disk.device());
                Content second = seconds.get(disk.device());
                if (recording.contains(disk)
                    && before.equals(Proof.of(disk))
                    && first != null
                    && second != null
                    && first.size() == second.size()) {
                  disk.addBase(first.withSecondHalfOf(second));
                  world.tally().count("base copy over several steps");
                } else {
                  world.tally().count("base copy over several steps, discarded");
                }
              });
      return begun;
    }
  }

  private static Content read(World world, String device) {
    return new DiskReader(world.machine()).read(world.node(device), List.of()).content();
  }
}
