/** Back-off and attempts. */
@NullMarked
package dev.vmcheckpoint.controller.act;

import org.jspecify.annotations.NullMarked;
