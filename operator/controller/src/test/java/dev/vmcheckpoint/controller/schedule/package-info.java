@NullMarked
package dev.vmcheckpoint.controller.schedule;

import org.jspecify.annotations.NullMarked;
