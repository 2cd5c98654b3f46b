package dev.vmcheckpoint.node;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.Optional;

/**
 * QAPI {@code BlockDirtyInfo} of one of our bitmaps.
 *
 * @param name the bitmap's name
 * @param granularityBytes bytes that one bit stands for, a power of two
 * @param dirtyBytes bytes listed as changed
 * @param recording whether it records new writes
 * @param persistent whether QEMU stores it with the image
 * @param busy whether a job or an export uses it
 * @param inconsistent whether QEMU found it marked in use when it opened the image: its content
 *     cannot be used
 * @param stored whether the image lists it; a bitmap that was added since the image was opened is
 *     not, until QEMU closes the image, makes it read-only or gives it up to a migration. Empty
 *     where a sidecar does not tell
 */
public record BitmapObservation(
    String name,
    long granularityBytes,
    long dirtyBytes,
    boolean recording,
    boolean persistent,
    boolean busy,
    boolean inconsistent,
    @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<Boolean> stored) {}
