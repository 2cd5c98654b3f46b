@NullMarked
package dev.vmcheckpoint.sidecar.handle;

import org.jspecify.annotations.NullMarked;
