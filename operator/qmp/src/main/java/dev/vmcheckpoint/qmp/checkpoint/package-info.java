/** Creation and removal of checkpoints: one persistent dirty bitmap per checkpoint per disk. */
@NullMarked
package dev.vmcheckpoint.qmp.checkpoint;

import org.jspecify.annotations.NullMarked;
