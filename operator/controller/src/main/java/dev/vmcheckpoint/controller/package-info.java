/**
 * The operator: observe, decide, act, report. {@link
 * dev.vmcheckpoint.controller.CheckpointReconciler} is the whole path; each step has its own room.
 */
@NullMarked
package dev.vmcheckpoint.controller;

import org.jspecify.annotations.NullMarked;
