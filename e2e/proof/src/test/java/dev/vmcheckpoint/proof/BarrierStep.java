package dev.vmcheckpoint.proof;

import dev.vmcheckpoint.proof.GuestSteps.Change;
import dev.vmcheckpoint.proof.GuestSteps.Flush;
import dev.vmcheckpoint.proof.GuestSteps.Write;
import java.nio.file.Path;

/**
 * Shows that writes stay in QEMU's caches until a flush; otherwise no history tests the barrier.
 */
record BarrierStep() implements DeviceStep {
  @Override
  public int device() {
    return 0;
  }

  @Override
  public boolean take(World world, String name, Volume volume) {
    Content before = copy(world, volume);
    new Write(Change.WRITE, device(), 0, Volume.CLUSTER_BYTES, 1).take(world);
    require(copy(world, volume).mismatch(before) < 0, "a write is on the medium without a flush");
    new Flush(device()).take(world);
    require(copy(world, volume).mismatch(before) == 0, "a flushed write is not on the medium");
    return true;
  }

  private static Content copy(World world, Volume volume) {
    Path copy = Images.copy(volume.active(), world.newFile(".copy"));
    return Images.content(copy.toString(), "qcow2", world.machine().folder());
  }

  private static void require(boolean holds, String otherwise) {
    if (!holds) {
      throw new AssertionError(otherwise);
    }
  }
}
