package dev.vmcheckpoint.qmp.machine;

/**
 * A named dirty bitmap, as QAPI {@code BlockDirtyInfo} shows it.
 *
 * @param granularityBytes bytes that one bit stands for, a power of two
 * @param dirtyBytes bytes listed as changed
 * @param recording whether it records new writes
 * @param persistent whether QEMU stores it with the image
 * @param busy whether a job or an export uses it
 * @param inconsistent whether QEMU found it marked in use when it opened the image: its content
 *     cannot be used, and all one can do is remove it
 * @param stored whether the image lists it, as {@code Qcow2BitmapInfo} shows it: QEMU has stored it
 *     when it closed the image, made it read-only or gave it up to a migration, or has loaded it
 */
public record Bitmap(
    String name,
    long granularityBytes,
    long dirtyBytes,
    boolean recording,
    boolean persistent,
    boolean busy,
    boolean inconsistent,
    boolean stored) {}
