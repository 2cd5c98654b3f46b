/** What is told: status, events, and the release of a resource that is to go. */
@NullMarked
package dev.vmcheckpoint.controller.report;

import org.jspecify.annotations.NullMarked;
