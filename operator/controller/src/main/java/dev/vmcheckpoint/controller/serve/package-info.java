/** What the operator shows of itself: health and metrics. */
@NullMarked
package dev.vmcheckpoint.controller.serve;

import org.jspecify.annotations.NullMarked;
