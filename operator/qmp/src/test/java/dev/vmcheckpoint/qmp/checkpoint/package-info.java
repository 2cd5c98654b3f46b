@NullMarked
package dev.vmcheckpoint.qmp.checkpoint;

import org.jspecify.annotations.NullMarked;
