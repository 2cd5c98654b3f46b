package dev.vmcheckpoint.node;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;

/**
 * Body of {@code PUT /v1/machines/{podUID}/checkpoints/{checkpointUID}}: one bitmap on each of the
 * disks, all or nothing.
 *
 * @param disks device ids, 1 to {@value #MAX_DISKS}, each once
 * @param granularityBytes bytes that one bit stands for, a power of two from 512 to 2 GiB; empty
 *     leaves the choice to QEMU
 * @param barrier whether the disks are flushed after the add
 * @param observed the {@link BitmapsDigest} of the look that this was decided on: where the
 *     checkpoint has no complete set of bitmaps, and those that there are differ from that look,
 *     the call comes too late and is refused; empty, as from a caller of the first version, for
 *     whatever there is
 */
public record EnsureRequest(
    List<String> disks,
    @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<Long> granularityBytes,
    Barrier barrier,
    @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<String> observed) {
  /** The most disks that one checkpoint may have. */
  public static final int MAX_DISKS = 64;

  public EnsureRequest {
    disks = List.copyOf(disks);
    if (disks.isEmpty() || disks.size() > MAX_DISKS) {
      throw new IllegalArgumentException(
          "disks: 1 to %d, but %d were given".formatted(MAX_DISKS, disks.size()));
    }
    if (new HashSet<>(disks).size() != disks.size()) {
      throw new IllegalArgumentException("disks: one is named twice in %s".formatted(disks));
    }
    granularityBytes.ifPresent(EnsureRequest::requireGranularity);
    observed.ifPresent(digest -> Identifiers.requireDigest("observed", digest));
  }

  private static void requireGranularity(long bytes) {
    if (Long.bitCount(bytes) != 1 || bytes < 512 || bytes > 1L << 31) {
      throw new IllegalArgumentException(
          "granularityBytes: a power of two from 512 to 2147483648, not %d".formatted(bytes));
    }
  }
}
