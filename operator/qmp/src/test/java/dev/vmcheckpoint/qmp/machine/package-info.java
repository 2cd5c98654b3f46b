@NullMarked
package dev.vmcheckpoint.qmp.machine;

import org.jspecify.annotations.NullMarked;
