/**
 * The per-node service that carries out the operator's calls on the node's QEMU processes. It keeps
 * nothing that it cannot ask QEMU for again.
 */
@NullMarked
package dev.vmcheckpoint.sidecar;

import org.jspecify.annotations.NullMarked;
