/** Whether this process is the one that may act. */
@NullMarked
package dev.vmcheckpoint.controller.lead;

import org.jspecify.annotations.NullMarked;
