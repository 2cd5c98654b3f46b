/**
 * The QEMU Machine Protocol: the connection to one monitor and the commands that this library uses.
 *
 * <p>Its users are {@code machine} (what a QEMU shows), {@code flush} (bringing a disk's caches to
 * its image) and {@code checkpoint} (creation and removal of checkpoints). They take a {@link
 * dev.vmcheckpoint.qmp.Qmp} and do not care who carries it.
 */
@NullMarked
package dev.vmcheckpoint.qmp;

import org.jspecify.annotations.NullMarked;
