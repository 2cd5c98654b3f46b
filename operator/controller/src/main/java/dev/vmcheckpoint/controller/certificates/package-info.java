/**
 * The certificates of operator and sidecars: the authority that signs them, who may have one, and
 * what the operator itself shows.
 */
@NullMarked
package dev.vmcheckpoint.controller.certificates;

import org.jspecify.annotations.NullMarked;
