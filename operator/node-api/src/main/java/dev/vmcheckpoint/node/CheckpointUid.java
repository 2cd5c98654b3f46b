package dev.vmcheckpoint.node;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;

/**
 * The UID of a {@code VirtualMachineCheckpoint}; it becomes part of its bitmaps' names.
 *
 * @param value lower-case hexadecimal digits and hyphens, 1 to 64 characters
 */
public record CheckpointUid(@JsonValue String value) {
  @JsonCreator(mode = JsonCreator.Mode.DELEGATING)
  public CheckpointUid {
    Identifiers.requireUid("checkpoint UID", value);
  }

  @Override
  public String toString() {
    return value;
  }
}
