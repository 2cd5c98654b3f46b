/** HTTP: who calls, what is asked for, how it is answered; the probes' pages. */
@NullMarked
package dev.vmcheckpoint.sidecar.http;

import org.jspecify.annotations.NullMarked;
