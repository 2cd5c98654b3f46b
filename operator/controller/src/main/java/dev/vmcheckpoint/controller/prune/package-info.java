/** Reading from the API server what tenants make as large as they like. */
@NullMarked
package dev.vmcheckpoint.controller.prune;

import org.jspecify.annotations.NullMarked;
