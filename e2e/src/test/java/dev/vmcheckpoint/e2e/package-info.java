/** What users see, on a real cluster with real virtual machines. */
@NullMarked
package dev.vmcheckpoint.e2e;

import org.jspecify.annotations.NullMarked;
