/** Tests of certificates. */
@NullMarked
package dev.vmcheckpoint.controller.certificates;

import org.jspecify.annotations.NullMarked;
