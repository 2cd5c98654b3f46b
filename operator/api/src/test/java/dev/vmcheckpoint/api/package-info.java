@NullMarked
package dev.vmcheckpoint.api;

import org.jspecify.annotations.NullMarked;
