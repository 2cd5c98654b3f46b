/**
 * The node's machines: the way to each monitor, one call at a time on each, and what it brought.
 */
@NullMarked
package dev.vmcheckpoint.sidecar.machine;

import org.jspecify.annotations.NullMarked;
