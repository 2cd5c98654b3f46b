@NullMarked
package dev.vmcheckpoint.sidecar.machine;

import org.jspecify.annotations.NullMarked;
