package dev.vmcheckpoint.qmp.machine;

/**
 * Why a disk cannot hold a persistent bitmap.
 *
 * @param message a sentence for people, which names what was seen
 */
public record Ineligibility(Reason reason, String message) {
  /** For tools; once released, a name keeps its meaning. */
  public enum Reason {
    NoMedium,
    ReadOnly,
    NotQcow2,
    Qcow2V2,
    Inactive,
    CacheUnsafe,
    RawDataFile,
    DeviceWithoutID,
    DeviceIDTooLong,
    DeviceIDUnsupported
  }
}
