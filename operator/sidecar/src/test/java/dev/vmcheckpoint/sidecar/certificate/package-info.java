@NullMarked
package dev.vmcheckpoint.sidecar.certificate;

import org.jspecify.annotations.NullMarked;
