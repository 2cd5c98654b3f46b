package dev.vmcheckpoint.node;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;

/**
 * The UID of a VM's pod, as the kubelet names the pod's directory.
 *
 * @param value lower-case hexadecimal digits and hyphens, 1 to 64 characters: nothing that could
 *     lead out of the kubelet's pods directory
 */
public record PodUid(@JsonValue String value) {
  @JsonCreator(mode = JsonCreator.Mode.DELEGATING)
  public PodUid {
    Identifiers.requireUid("pod UID", value);
  }

  @Override
  public String toString() {
    return value;
  }
}
