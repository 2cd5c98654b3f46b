/** Looks that are handed over. */
@NullMarked
package dev.vmcheckpoint.controller.observe;

import org.jspecify.annotations.NullMarked;
