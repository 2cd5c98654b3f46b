/**
 * What is known now: the pods of virtual machines and sidecars as the API server shows them, and
 * what the sidecars see in QEMU.
 */
@NullMarked
package dev.vmcheckpoint.controller.observe;

import org.jspecify.annotations.NullMarked;
