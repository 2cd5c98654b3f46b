/** What is kept of what tenants make. */
@NullMarked
package dev.vmcheckpoint.controller.prune;

import org.jspecify.annotations.NullMarked;
