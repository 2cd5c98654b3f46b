/**
 * The sidecar's certificate: asked for at the API server in the name of its node, and renewed
 * before it expires.
 */
@NullMarked
package dev.vmcheckpoint.sidecar.certificate;

import org.jspecify.annotations.NullMarked;
