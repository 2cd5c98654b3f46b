/**
 * Files of the node that are held by a handle instead of a path, so that what was checked is what
 * is used, whatever a tenant does to the path meanwhile; and the end of opening them by a path.
 */
@NullMarked
package dev.vmcheckpoint.sidecar.handle;

import org.jspecify.annotations.NullMarked;
