/** Bringing what QEMU holds in its caches for a disk to the disk's image. */
@NullMarked
package dev.vmcheckpoint.qmp.flush;

import org.jspecify.annotations.NullMarked;
