@NullMarked
package dev.vmcheckpoint.node;

import org.jspecify.annotations.NullMarked;
