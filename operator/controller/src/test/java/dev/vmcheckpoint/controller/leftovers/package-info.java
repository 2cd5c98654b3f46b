/** The records of what deletions left behind. */
@NullMarked
package dev.vmcheckpoint.controller.leftovers;

import org.jspecify.annotations.NullMarked;
