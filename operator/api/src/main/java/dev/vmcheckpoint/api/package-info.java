/**
 * The resource {@code VirtualMachineCheckpoint} and the vocabulary of its conditions and reasons.
 *
 * <p>The contract itself is the hand-written CRD in {@code crds/}; a test holds these types against
 * it. Timestamps have whole seconds, as everywhere in Kubernetes.
 */
@NullMarked
package dev.vmcheckpoint.api;

import org.jspecify.annotations.NullMarked;
