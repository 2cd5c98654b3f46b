package dev.vmcheckpoint.qmp.checkpoint;

import java.util.List;

/**
 * What is on record for one disk, to be carried over to the present opening of its image.
 *
 * @param disk name of the disk
 * @param recorded id of the epoch on record: that of the present opening's transient marker, or of
 *     a consistent persistent marker on the active image or on a layer below
 * @param merge names of checkpoints' bitmaps that an overlay carried along: what lower layers list
 *     under the same name is merged into the active image's
 * @param remove ids of persistent markers to be removed from the active image; absent is success
 * @param flush whether the active image has to be flushed, as after a job moved data into it
 */
public record Renewal(
    String disk, String recorded, List<String> merge, List<String> remove, boolean flush) {
  public Renewal {
    merge = List.copyOf(merge);
    remove = List.copyOf(remove);
  }
}
