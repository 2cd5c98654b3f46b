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
 */
public record Bitmap(
    String name,
    long granularityBytes,
    long dirtyBytes,
    boolean recording,
    boolean persistent,
    boolean busy,
    boolean inconsistent) {}
