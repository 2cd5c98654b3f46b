package dev.vmcheckpoint.proof;

import dev.vmcheckpoint.proof.fixture.Monitor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

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
        case NBD -> new DiskReader(world.machine()).read(world.node(device), List.of()).content();
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
}
