package dev.vmcheckpoint.controller.decide;

import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.VirtualMachine;
import java.util.Optional;

/**
 * A pod that carries the label of a virtual machine.
 *
 * @param name the pod's name
 * @param uid the pod's UID
 * @param node the node it is bound to
 * @param phase how far it is
 */
public record MachinePod(String name, String uid, Optional<String> node, Phase phase) {

  /** How far a pod is, as far as that matters here. */
  public enum Phase {
    /** Its containers do not run yet. */
    NOT_STARTED,
    /** At least one of its containers runs, or may run. */
    RUNNING,
    /** Its containers have ended and will not run again. */
    ENDED
  }

  VirtualMachine place() {
    return new VirtualMachine(name, uid, node.orElse(null));
  }
}
