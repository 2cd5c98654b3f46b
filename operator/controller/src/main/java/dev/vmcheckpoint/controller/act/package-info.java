/**
 * The few things that change something outside of the API: one call to a sidecar, and what has to
 * be true before it.
 */
@NullMarked
package dev.vmcheckpoint.controller.act;

import org.jspecify.annotations.NullMarked;
