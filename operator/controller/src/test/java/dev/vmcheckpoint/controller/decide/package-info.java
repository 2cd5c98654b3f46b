/** Decisions, case by case. */
@NullMarked
package dev.vmcheckpoint.controller.decide;

import org.jspecify.annotations.NullMarked;
