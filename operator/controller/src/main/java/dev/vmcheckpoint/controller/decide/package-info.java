/**
 * What to do, and what to say: pure functions of the resource, an observation and the time. Nothing
 * in here reads, writes or waits.
 */
@NullMarked
package dev.vmcheckpoint.controller.decide;

import org.jspecify.annotations.NullMarked;
