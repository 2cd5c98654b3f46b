@NullMarked
package dev.vmcheckpoint.qmp.flush;

import org.jspecify.annotations.NullMarked;
