package dev.vmcheckpoint.api;

import com.fasterxml.jackson.annotation.JsonCreator;
import java.util.Arrays;

/** Whether a disk's bitmap can be relied on. A state of another version reads as Unknown. */
public enum DiskState {
  /** The checkpoint is not yet established. */
  Pending,
  /** The last look saw the bitmap whole, recording and where it belongs. */
  Recording,
  /** The bitmap cannot be seen now; nothing shows that it is lost. */
  Unknown,
  /** The bitmap does not list every change since the checkpoint. Final. */
  Lost;

  /** One unknown word must not make a whole object unreadable. */
  @JsonCreator
  static DiskState read(String name) {
    return Arrays.stream(values())
        .filter(value -> value.name().equals(name))
        .findFirst()
        .orElse(Unknown);
  }
}
