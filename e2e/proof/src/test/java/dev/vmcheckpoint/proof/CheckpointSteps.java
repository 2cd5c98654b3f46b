package dev.vmcheckpoint.proof;

import com.fasterxml.jackson.databind.JsonNode;
import dev.vmcheckpoint.proof.fixture.Awaiting;
import java.util.Optional;

/** What users do with checkpoints. It costs other checkpoints nothing. */
final class CheckpointSteps {
  /** More are not wanted: each makes every check longer. */
  private static final int MOST = 5;

  private CheckpointSteps() {}

  /**
   * Makes a checkpoint and, where the machine runs, waits until it is Ready.
   *
   * @param granularity as in the spec; empty for QEMU's choice
   * @param device the only disk of the checkpoint; empty for all
   * @param flush whether copies of the files are to be whole too
   */
  record Make(Optional<String> granularity, Optional<Integer> device, boolean flush)
      implements Step {
    @Override
    public boolean take(World world) {
      if (world.checkpoints().size() >= MOST || world.devices().isEmpty()) {
        return false;
      }
      Tracked made =
          world.apply(
              granularity.map(", granularity: %s"::formatted).orElse("")
                  + device.flatMap(world::device).map(", disks: [{name: %s}]"::formatted).orElse("")
                  + (flush ? "" : ", barrier: None"),
              flush);
      if (world.machine().isRunning()) {
        JsonNode status = made.resource().await("creationTime", now -> now.has("creationTime"));
        made.isSaid(status, world.devices());
      }
      return true;
    }
  }

  /** Deletes a checkpoint and waits until it is gone. */
  record Delete(int number) implements Step {
    @Override
    public boolean take(World world) {
      if (world.checkpoints().isEmpty()) {
        return false;
      }
      Tracked gone = world.checkpoints().remove(number % world.checkpoints().size());
      gone.resource().delete();
      Awaiting.of("the end of " + gone.resource().name()).until(() -> gone.resource().isGone());
      if (world.machine().isRunning()) {
        requireNoBitmapOf(gone, world);
      }
      return true;
    }
  }

  private static void requireNoBitmapOf(Tracked gone, World world) {
    for (String device : world.devices().keySet()) {
      for (QemuBitmap bitmap : world.bitmaps(device)) {
        if (bitmap.name().startsWith("vmcp-" + gone.resource().uid() + ".") && !bitmap.busy()) {
          throw new AssertionError(
              "%s still has %s of deleted checkpoint %s"
                  .formatted(device, bitmap, gone.resource().name()));
        }
      }
    }
  }

  /** Checks every checkpoint. */
  record Check() implements Step {
    @Override
    public boolean take(World world) {
      new Checker(world).check();
      return true;
    }
  }
}
