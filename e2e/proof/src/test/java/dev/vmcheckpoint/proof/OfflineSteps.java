package dev.vmcheckpoint.proof;

import dev.vmcheckpoint.proof.Volume.Layer;
import dev.vmcheckpoint.proof.Volume.Saved;
import dev.vmcheckpoint.qmp.fixture.Tool;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** What is done to images while no QEMU has them. */
final class OfflineSteps {
  private OfflineSteps() {}

  /** A step on a device whose image nobody has open. */
  interface OfflineStep extends DeviceStep {
    @Override
    default boolean needsMachine() {
      return false;
    }
  }

  /** A storage snapshot. It costs nothing. */
  record Save(int device) implements OfflineStep {
    @Override
    public boolean take(World world, String name, Volume volume) {
      world.saved().put(volume, volume.save(copies(world, volume)));
      return true;
    }
  }

  /** A storage snapshot while QEMU has the images open. It costs nothing, but to go back to it. */
  record SaveInUse(int device) implements DeviceStep {
    @Override
    public boolean take(World world, String name, Volume volume) {
      world.saved().put(volume, volume.saveInUse(copies(world, volume)));
      return true;
    }
  }

  private static List<Path> copies(World world, Volume volume) {
    return volume.chain().stream()
        .map(layer -> Images.copy(layer.file(), world.newFile(".saved")))
        .toList();
  }

  /** Goes back to the last storage snapshot. It costs each disk that was seen after that. */
  record Revert(int device) implements OfflineStep {
    @Override
    public boolean take(World world, String name, Volume volume) {
      return Optional.ofNullable(world.saved().get(volume))
          .map(saved -> revert(world, volume, saved))
          .isPresent();
    }

    private static Volume revert(World world, Volume volume, Saved saved) {
      for (int i = 0; i < saved.chain().size(); i++) {
        Images.copy(saved.copies().get(i), saved.chain().get(i).file());
      }
      volume.revert(saved);
      world.disksOn(volume).forEach(disk -> disk.isRolledBackTo(saved.epochs()));
      return volume;
    }
  }

  /**
   * Commits the active image into the one below. It costs those nothing whose bitmaps are there.
   */
  record OfflineCommit(int device) implements OfflineStep {
    @Override
    public boolean take(World world, String name, Volume volume) {
      if (volume.chain().size() == 1) {
        return false;
      }
      Tool.run("qemu-img", "commit", "-q", "-d", volume.active().toString());
      world
          .disksOn(volume)
          .filter(disk -> volume.bitmaps().has(disk.bitmap()))
          .forEach(TrackedDisk::isLeftAbove);
      volume.commitInto(volume.chain().size() - 2);
      return true;
    }
  }

  /** Forgets what was written since the last external snapshot. It costs what was seen there. */
  record ThrowAwayTop(int device) implements OfflineStep {
    @Override
    public boolean take(World world, String name, Volume volume) {
      if (volume.chain().size() == 1) {
        return false;
      }
      world
          .disksOn(volume)
          .filter(disk -> volume.bitmaps().has(disk.bitmap()))
          .forEach(TrackedDisk::isLeftAbove);
      volume.throwAwayTop();
      return true;
    }
  }

  /** The image has another name from now on. It costs nothing. */
  record Move(int device) implements OfflineStep {
    @Override
    public boolean take(World world, String name, Volume volume) {
      Path file = world.newFile(".qcow2");
      try {
        Files.move(volume.active(), file);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      Layer moved = volume.chain().getLast();
      volume.throwAwayTop();
      volume.push(file, moved.bitmaps());
      return true;
    }
  }

  /** Two devices change places. Every disk on them is Unknown until they change back. */
  record Swap() implements Step {
    @Override
    public boolean take(World world) {
      if (world.machine().isRunning() || world.devices().size() < 2) {
        return false;
      }
      String one = world.device(0).orElseThrow();
      String other = world.device(1).orElseThrow();
      Volume moved = world.volume(one);
      world.devices().put(one, world.volume(other));
      world.devices().put(other, moved);
      return true;
    }
  }
}
