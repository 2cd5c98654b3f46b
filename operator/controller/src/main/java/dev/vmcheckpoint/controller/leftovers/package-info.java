/**
 * What deletions left behind: recorded before the resource goes, swept when its machine is seen.
 */
@NullMarked
package dev.vmcheckpoint.controller.leftovers;

import org.jspecify.annotations.NullMarked;
