package dev.vmcheckpoint.node;

/** What a checkpoint does beyond adding its bitmaps. */
public enum Barrier {
  /** Flush each disk after the add, so that a copy made in any way is sufficient. */
  Flush,
  /** Add only: the guest is never held up, and a copy must be read through QEMU. */
  None
}
