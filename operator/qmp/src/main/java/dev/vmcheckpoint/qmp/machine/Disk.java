package dev.vmcheckpoint.qmp.machine;

import java.util.List;
import java.util.Optional;

/**
 * One disk device.
 *
 * @param name the device's id without libvirt's {@code ua-} prefix; for a device without an id, its
 *     QOM path
 * @param blockNode node name of the top format node, empty where there is none; changes with
 *     snapshots and restarts, so never an identity
 * @param writable whether the guest can write to it
 * @param ineligibility why it cannot hold a persistent bitmap; empty where it can
 * @param image what it is stored in; empty for a drive without a medium
 * @param virtualSizeBytes size that the guest sees, in bytes; 0 without a medium
 * @param bitmaps the named ones on the top format node, ours and others'
 * @param backing the layers below that node, top first
 */
public record Disk(
    String name,
    String blockNode,
    boolean writable,
    Optional<Ineligibility> ineligibility,
    Optional<Image> image,
    long virtualSizeBytes,
    List<Bitmap> bitmaps,
    List<Layer> backing) {
  public Disk {
    bitmaps = List.copyOf(bitmaps);
    backing = List.copyOf(backing);
  }

  /** This disk, with a reason why it cannot hold a persistent bitmap. */
  Disk ineligible(Ineligibility reason) {
    return new Disk(
        name, blockNode, writable, Optional.of(reason), image, virtualSizeBytes, bitmaps, backing);
  }

  /**
   * A layer of the backing chain.
   *
   * @param node node name of its format node; no identity either
   * @param writable whether QEMU has it open for writing, though the guest does not write to it
   * @param file its file name as QEMU reports it
   * @param virtualSizeBytes its own size, in bytes; an overlay can be larger or smaller
   * @param bitmaps the named ones on it
   */
  public record Layer(
      String node, boolean writable, String file, long virtualSizeBytes, List<Bitmap> bitmaps) {
    public Layer {
      bitmaps = List.copyOf(bitmaps);
    }
  }
}
