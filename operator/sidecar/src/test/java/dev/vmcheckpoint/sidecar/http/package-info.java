@NullMarked
package dev.vmcheckpoint.sidecar.http;

import org.jspecify.annotations.NullMarked;
