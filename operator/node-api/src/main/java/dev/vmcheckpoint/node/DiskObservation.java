package dev.vmcheckpoint.node;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import java.util.Optional;

/**
 * One disk device of a machine and our bitmaps on it.
 *
 * @param name the device's id without libvirt's {@code ua-} prefix; for a device without an id, its
 *     QOM path; printable
 * @param blockNode node name of the top format node, empty where there is none; changes with
 *     snapshots and restarts, so never an identity
 * @param writable whether the guest can write to it: such disks are the default set
 * @param ineligible why it cannot hold a persistent bitmap; empty where it can
 * @param image what it is stored in; empty for a drive without a medium
 * @param virtualSizeBytes size that the guest sees, in bytes
 * @param bitmaps those on the top format node whose names begin with {@code vmcp-}
 * @param lower the layers of the backing chain that have such bitmaps, top first
 * @param others the other bitmaps on the top format node; empty where there are none
 */
public record DiskObservation(
    String name,
    String blockNode,
    boolean writable,
    @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<Ineligibility> ineligible,
    @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<DiskImage> image,
    long virtualSizeBytes,
    List<BitmapObservation> bitmaps,
    List<Layer> lower,
    @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<OtherBitmaps> others) {
  private static final int MAX_NAME = 1024;
  private static final int MAX_MESSAGE = 4096;

  public DiskObservation {
    name = PrintableText.of(name, MAX_NAME);
    blockNode = PrintableText.of(blockNode, MAX_NAME);
    bitmaps = List.copyOf(bitmaps);
    lower = List.copyOf(lower);
  }

  /**
   * A layer of the backing chain.
   *
   * @param file its file name as {@link DiskImage#backing} has it
   * @param bitmaps those on it whose names begin with {@code vmcp-}
   */
  public record Layer(String file, List<BitmapObservation> bitmaps) {
    public Layer {
      bitmaps = List.copyOf(bitmaps);
    }
  }

  /**
   * Why a disk cannot hold a persistent bitmap.
   *
   * @param reason a CamelCase word, stable, for tools
   * @param message a sentence, for people
   */
  public record Ineligibility(String reason, String message) {
    public Ineligibility {
      message = PrintableText.of(message, MAX_MESSAGE);
    }
  }
}
