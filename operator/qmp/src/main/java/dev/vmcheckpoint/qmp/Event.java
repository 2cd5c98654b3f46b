package dev.vmcheckpoint.qmp;

/** Every QMP event that this library waits for. Its name is the one on the wire. */
public enum Event {
  /** An export is gone, and no longer among those that QEMU lists. Since QEMU 5.2. */
  BLOCK_EXPORT_DELETED
}
