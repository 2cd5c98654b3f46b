package dev.vmcheckpoint.controller.decide;

import dev.vmcheckpoint.api.VirtualMachineCheckpointSpec;
import dev.vmcheckpoint.api.VirtualMachineCheckpointSpec.Barrier;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus;
import java.util.Optional;

/**
 * What a decision needs to know of the resource.
 *
 * @param uid the resource's UID
 * @param generation the resource's generation
 * @param spec what the user asks for
 * @param status what was said last
 * @param probe value of the annotation that asks for a probe
 */
public record Checkpoint(
    String uid,
    long generation,
    VirtualMachineCheckpointSpec spec,
    VirtualMachineCheckpointStatus status,
    Optional<String> probe) {

  /** The name of the virtual machine. */
  public String machineName() {
    return spec.virtualMachineRef().name();
  }

  /** Whether somebody waits for a probe. */
  public boolean probeIsPending() {
    return probe.isPresent() && !probe.get().equals(status.lastHandledProbeAt());
  }

  /**
   * Whether a bitmap of that name is one that was made for this resource. A status may have been
   * copied from another resource, for instance by a restore of the cluster.
   */
  public boolean owns(String bitmap) {
    return bitmap.startsWith(prefix());
  }

  /** Whether a bitmap of that name was made for this resource and that disk. */
  boolean owns(String bitmap, String disk) {
    int attempt = prefix().length();
    int end = owns(bitmap) ? bitmap.indexOf('.', attempt) : -1;
    return end > attempt && bitmap.substring(end + 1).equals(disk);
  }

  /**
   * Whether a name has the form of this resource's bitmaps, so that a sidecar can be asked for it.
   */
  boolean isName(String bitmap) {
    return owns(bitmap)
        && bitmap.substring(prefix().length()).matches("[0-9a-z]{1,64}\\.[A-Za-z0-9._-]{1,128}");
  }

  private String prefix() {
    return "vmcp-" + uid + ".";
  }

  boolean mustFlush() {
    return spec.barrier() == Barrier.Flush;
  }
}
