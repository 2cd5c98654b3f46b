/** The operator against a real API server, with sidecars that fail on demand. */
@NullMarked
package dev.vmcheckpoint.controller;

import org.jspecify.annotations.NullMarked;
