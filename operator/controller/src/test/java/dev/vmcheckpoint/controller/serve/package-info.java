/** Probes over HTTP. */
@NullMarked
package dev.vmcheckpoint.controller.serve;

import org.jspecify.annotations.NullMarked;
