@NullMarked
package dev.vmcheckpoint.sidecar;

import org.jspecify.annotations.NullMarked;
