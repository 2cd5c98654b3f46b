package dev.vmcheckpoint.controller.decide;

import dev.vmcheckpoint.api.DiskState;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Disk;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Image;
import java.time.Instant;

/**
 * A disk in the status of some checkpoint.
 *
 * @param checkpoint UID of that checkpoint
 * @param created when its resource was created, so before any of its bitmaps
 * @param machine the name of its machine
 * @param disk the disk
 */
public record OnRecord(String checkpoint, Instant created, String machine, Disk disk) {

  /** Whether it may still be judged by that marker. */
  boolean reliesOn(String epoch) {
    return counts() && epoch.equals(disk.epoch());
  }

  /** Whether it is of that image, and still to be carried over into that opening of it. */
  boolean isBehind(String ofMachine, String file, String epoch) {
    Image image = disk.image();
    return counts()
        && machine.equals(ofMachine)
        && image != null
        && (image.file().equals(file) || image.backing().contains(file))
        && !epoch.equals(disk.epoch());
  }

  private boolean counts() {
    return disk.bitmap() != null && disk.state() != DiskState.Lost;
  }
}
