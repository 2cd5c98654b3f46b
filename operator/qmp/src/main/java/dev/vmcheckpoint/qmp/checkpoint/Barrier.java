package dev.vmcheckpoint.qmp.checkpoint;

/** What creating a checkpoint does beyond adding its bitmaps. */
public enum Barrier {
  /**
   * Flush each disk after the add, so that whatever the guest completed before it is in the image,
   * and a copy made in any way is sufficient.
   */
  FLUSH,
  /** Add only: the guest is never held up, and a copy must be read through QEMU. */
  NONE
}
