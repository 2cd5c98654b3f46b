/**
 * The proof of the promise: random histories of virtual machines and their checkpoints on real
 * QEMU, after which a base copy and the listed blocks have to be the disk again, byte for byte.
 */
@NullMarked
package dev.vmcheckpoint.proof;

import org.jspecify.annotations.NullMarked;
