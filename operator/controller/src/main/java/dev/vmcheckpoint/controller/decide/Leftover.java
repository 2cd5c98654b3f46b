package dev.vmcheckpoint.controller.decide;

import java.util.List;

/**
 * What the deletion of a checkpoint left behind in the images of a machine.
 *
 * @param checkpoint UID of the deleted resource, which is part of its bitmaps' names
 * @param namespace its namespace
 * @param machine the name of its machine
 * @param since when this was recorded, in seconds since 1970-01-01T00:00:00Z
 * @param mayGrow whether a creation that was sent before may have begun only after this was
 *     recorded
 * @param bitmaps those that are known of; there may be others of that checkpoint
 */
public record Leftover(
    String checkpoint,
    String namespace,
    String machine,
    long since,
    boolean mayGrow,
    List<Bitmap> bitmaps) {
  public Leftover {
    bitmaps = List.copyOf(bitmaps);
  }

  /**
   * A bitmap in an image.
   *
   * @param disk id of the device that held the image
   * @param file the image, as QEMU named it
   * @param name the bitmap's name
   */
  public record Bitmap(String disk, String file, String name) {}

  /** The same record with other bitmaps. */
  public Leftover with(List<Bitmap> others) {
    return new Leftover(checkpoint, namespace, machine, since, mayGrow, others);
  }
}
