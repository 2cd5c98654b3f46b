package dev.vmcheckpoint.qmp.checkpoint;

import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.DiskIneligible;
import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.DiskUnknown;
import dev.vmcheckpoint.qmp.machine.Disk;
import dev.vmcheckpoint.qmp.machine.MachineState;
import java.util.ArrayList;
import java.util.List;

/** Disks that can hold a persistent bitmap. */
final class EligibleDisks {
  private EligibleDisks() {}

  /**
   * The disks of the given names, in their order.
   *
   * @throws CheckpointException where one is not there, or cannot hold a persistent bitmap
   */
  static List<Disk> named(List<String> names, MachineState machine) {
    List<Disk> disks = new ArrayList<>();
    for (String name : names) {
      Disk disk =
          machine
              .disk(name)
              .orElseThrow(
                  () ->
                      new DiskUnknown(
                          "the machine has no disk %s, but %s"
                              .formatted(name, machine.disks().stream().map(Disk::name).toList()),
                          name));
      disk.ineligibility()
          .ifPresent(
              why -> {
                throw new DiskIneligible(name, why);
              });
      disks.add(disk);
    }
    return disks;
  }
}
