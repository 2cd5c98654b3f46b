package dev.vmcheckpoint.qmp.machine;

import dev.vmcheckpoint.qmp.QemuVersion;
import java.util.List;
import java.util.Optional;

/**
 * One look at a QEMU process.
 *
 * @param guest whether it runs its guest, throughout the look
 * @param disks every disk device, in QEMU's order; firmware flash is none
 */
public record MachineState(QemuVersion version, GuestState guest, List<Disk> disks) {
  public MachineState {
    disks = List.copyOf(disks);
  }

  /** The disk of the given name. */
  public Optional<Disk> disk(String name) {
    return disks.stream().filter(disk -> disk.name().equals(name)).findFirst();
  }
}
