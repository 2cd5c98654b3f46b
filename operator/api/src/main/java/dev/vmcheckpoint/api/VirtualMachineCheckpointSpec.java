package dev.vmcheckpoint.api;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import io.fabric8.kubernetes.api.model.Quantity;
import java.util.List;
import java.util.Objects;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * What the user asks for; immutable once created.
 *
 * @param virtualMachineRef the machine, in the same namespace
 * @param disks the disks to track; empty stands for every writable one
 * @param ineligibleDisks what becomes of writable disks that cannot hold a persistent bitmap, where
 *     {@code disks} names none
 * @param granularity bytes that one bit stands for, as a quantity such as {@code 64Ki}; absent
 *     leaves the choice to QEMU
 * @param barrier what is done beyond adding the bitmaps
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_EMPTY)
public record VirtualMachineCheckpointSpec(
    VirtualMachineRef virtualMachineRef,
    List<DiskRef> disks,
    IneligibleDisks ineligibleDisks,
    @Nullable String granularity,
    Barrier barrier) {
  public VirtualMachineCheckpointSpec {
    disks = Members.listOf(disks);
    ineligibleDisks = Objects.requireNonNullElse(ineligibleDisks, IneligibleDisks.Fail);
    barrier = Objects.requireNonNullElse(barrier, Barrier.Flush);
  }

  /** The granularity in bytes; empty leaves the choice to QEMU. */
  public OptionalLong granularityInBytes() {
    return granularity == null
        ? OptionalLong.empty()
        : OptionalLong.of(Quantity.getAmountInBytes(new Quantity(granularity)).longValueExact());
  }

  /**
   * The machine of a checkpoint.
   *
   * @param name value of the label that the machine's pod carries
   */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record VirtualMachineRef(String name) {}

  /**
   * A disk asked for.
   *
   * @param name id of the disk's device, without libvirt's {@code ua-} prefix
   */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record DiskRef(String name) {}

  /** What becomes of writable disks of the default set that cannot hold a persistent bitmap. */
  public enum IneligibleDisks {
    /** There is no checkpoint at all. */
    Fail,
    /** They are left out and listed in {@code status.skippedDisks}. */
    Skip
  }

  /** What is done beyond adding the bitmaps. */
  public enum Barrier {
    /** Flush each disk after the add, so that a copy made in any way is sufficient. */
    Flush,
    /** Nothing: the guest is never held up, and a copy must be read through QEMU. */
    None
  }
}
