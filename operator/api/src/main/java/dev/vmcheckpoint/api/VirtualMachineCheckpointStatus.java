package dev.vmcheckpoint.api;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the operator promised and saw last.
 *
 * @param observedGeneration the {@code metadata.generation} that this status is about; -1 before
 *     the operator has written
 * @param lastHandledProbeAt value of the annotation {@link WellKnown#PROBE_REQUESTED_AT} that the
 *     last probe answered
 * @param conditions at most one of each type
 * @param creationTime when the checkpoint was established; set once
 * @param virtualMachine where the machine was last seen
 * @param disks the checkpoint's disks; the same ones for ever from {@code creationTime} on
 * @param skippedDisks writable disks that were left out
 * @param summary what the printed columns show
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_EMPTY)
public record VirtualMachineCheckpointStatus(
    long observedGeneration,
    @Nullable String lastHandledProbeAt,
    List<Condition> conditions,
    @Nullable Instant creationTime,
    @Nullable VirtualMachine virtualMachine,
    List<Disk> disks,
    List<SkippedDisk> skippedDisks,
    @Nullable Summary summary) {
  public VirtualMachineCheckpointStatus {
    conditions = Members.listOf(conditions);
    creationTime = Members.wholeSeconds(creationTime);
    disks = Members.listOf(disks);
    skippedDisks = Members.listOf(skippedDisks);
  }

  /** Whether the checkpoint was established: its bitmaps are never created again. */
  public boolean established() {
    return creationTime != null;
  }

  /**
   * Where the machine was last seen.
   *
   * @param podName the pod that runs it
   * @param podUID that pod's UID
   * @param nodeName the node; absent until the pod has one
   */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_EMPTY)
  public record VirtualMachine(String podName, String podUID, @Nullable String nodeName) {}

  /**
   * One disk of the checkpoint.
   *
   * @param name id of the disk's device
   * @param state whether its bitmap can be relied on
   * @param reason why it is in that state
   * @param message a sentence about it, for people
   * @param bitmap the bitmap's name; set together with {@code creationTime}, once
   * @param epoch id of the markers of the image's last known opening
   * @param blockNode node name of the top format node at the last look; never an identity
   * @param image what the disk is stored in
   * @param virtualSizeBytes size that the guest sees
   * @param granularityBytes bytes that one bit stands for
   * @param dirtyBytes bytes listed as changed, as of about the last probe
   */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_EMPTY)
  public record Disk(
      String name,
      DiskState state,
      Reason reason,
      @Nullable String message,
      @Nullable String bitmap,
      @Nullable String epoch,
      @Nullable String blockNode,
      @Nullable Image image,
      @Nullable Long virtualSizeBytes,
      @Nullable Long granularityBytes,
      @Nullable Long dirtyBytes) {
    public Disk {
      message = Members.nonEmpty(message);
      epoch = Members.nonEmpty(epoch);
      blockNode = Members.nonEmpty(blockNode);
    }

    /** A disk of a checkpoint that is not yet established, with nothing known but its name. */
    public static Disk pending(String name, Reason reason, String message) {
      return new Disk(
          name, DiskState.Pending, reason, message, null, null, null, null, null, null, null);
    }

    /** The same disk with another verdict: what is recorded about it stays. */
    public Disk judged(DiskState state, Reason reason, String message) {
      return new Disk(
          name,
          state,
          reason,
          message,
          bitmap,
          epoch,
          blockNode,
          image,
          virtualSizeBytes,
          granularityBytes,
          dirtyBytes);
    }
  }

  /**
   * What a disk is stored in, by the file names that QEMU reports.
   *
   * @param file the active image
   * @param backing its backing chain, top first
   * @param dataFile its external data file
   */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_EMPTY)
  public record Image(String file, List<String> backing, @Nullable String dataFile) {
    public Image {
      backing = Members.listOf(backing);
    }
  }

  /**
   * A writable disk that is no part of the checkpoint.
   *
   * @param name id of its device, or the device's path where it has none
   * @param reason why it cannot hold a persistent bitmap
   * @param message a sentence about it, for people
   */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_EMPTY)
  public record SkippedDisk(String name, Reason reason, @Nullable String message) {
    public SkippedDisk {
      message = Members.nonEmpty(message);
    }
  }

  /**
   * What the printed columns show. A column can point at one member only, so the operator computes
   * them.
   *
   * @param reason reason of {@code Valid}, or of {@code Ready} while that is not True
   * @param disks how many disks are Recording, of how many, for example {@code 2/3}
   * @param dirty sum of {@code dirtyBytes} of all disks, for example {@code 1.4Gi}
   */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_EMPTY)
  public record Summary(@Nullable Reason reason, @Nullable String disks, @Nullable String dirty) {}
}
