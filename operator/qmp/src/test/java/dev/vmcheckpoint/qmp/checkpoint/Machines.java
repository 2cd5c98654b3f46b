package dev.vmcheckpoint.qmp.checkpoint;

import dev.vmcheckpoint.qmp.QemuVersion;
import dev.vmcheckpoint.qmp.machine.Bitmap;
import dev.vmcheckpoint.qmp.machine.Disk;
import dev.vmcheckpoint.qmp.machine.Disk.Layer;
import dev.vmcheckpoint.qmp.machine.GuestState;
import dev.vmcheckpoint.qmp.machine.Image;
import dev.vmcheckpoint.qmp.machine.Ineligibility;
import dev.vmcheckpoint.qmp.machine.MachineState;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Looks at machines, as tests of decisions want them. */
final class Machines {
  private Machines() {}

  static MachineState machine(Disk... disks) {
    return new MachineState(
        new QemuVersion(7, 2, 22), new GuestState("running", "none", false, true), List.of(disks));
  }

  /** A disk on a node of its own. */
  static Disk disk(String name, Bitmap... bitmaps) {
    return diskOn(name + "-node", name, bitmaps);
  }

  static Disk diskOn(String node, String name, Bitmap... bitmaps) {
    return new Disk(
        name,
        node,
        true,
        Optional.empty(),
        Optional.of(new Image(name + ".qcow2", List.of(), Optional.empty())),
        1 << 20,
        List.of(bitmaps),
        List.of());
  }

  static Disk readOnly(Disk disk) {
    return new Disk(
        disk.name(),
        disk.blockNode(),
        false,
        Optional.of(new Ineligibility(Ineligibility.Reason.ReadOnly, "read-only")),
        disk.image(),
        disk.virtualSizeBytes(),
        disk.bitmaps(),
        disk.backing());
  }

  static Disk above(Disk disk, Layer... layers) {
    return new Disk(
        disk.name(),
        disk.blockNode(),
        disk.writable(),
        disk.ineligibility(),
        disk.image(),
        disk.virtualSizeBytes(),
        disk.bitmaps(),
        Arrays.asList(layers));
  }

  /** A layer in the image {@code <name>.qcow2}, as large as {@link #disk} is. */
  static Layer layer(String name, Bitmap... bitmaps) {
    return new Layer(name + "-node", false, name + ".qcow2", 1 << 20, List.of(bitmaps));
  }

  static Bitmap healthy(String name) {
    return new Bitmap(name, 65536, 0, true, true, false, false, false);
  }

  /** A bitmap that the image lists. */
  static Bitmap stored(String name) {
    return new Bitmap(name, 65536, 0, true, true, false, false, true);
  }

  static Bitmap busy(String name) {
    return new Bitmap(name, 65536, 0, true, true, true, false, false);
  }
}
