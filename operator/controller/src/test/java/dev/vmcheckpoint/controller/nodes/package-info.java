/** Limits of calls to sidecars. */
@NullMarked
package dev.vmcheckpoint.controller.nodes;

import org.jspecify.annotations.NullMarked;
