@NullMarked
package dev.vmcheckpoint.qmp;

import org.jspecify.annotations.NullMarked;
