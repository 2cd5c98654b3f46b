/** What one QEMU process shows: run state, disk devices, and our bitmaps on them. */
@NullMarked
package dev.vmcheckpoint.qmp.machine;

import org.jspecify.annotations.NullMarked;
