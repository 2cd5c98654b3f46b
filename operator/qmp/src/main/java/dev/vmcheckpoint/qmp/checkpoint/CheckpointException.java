package dev.vmcheckpoint.qmp.checkpoint;

import dev.vmcheckpoint.qmp.machine.Ineligibility;
import org.jspecify.annotations.Nullable;

/**
 * A checkpoint operation that did not reach its end. Unless it is {@link OutcomeUnknown} or {@link
 * FlushPending}, the checkpoint has no bitmap that it did not have before.
 */
public abstract sealed class CheckpointException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private CheckpointException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }

  /** The run state is one in which this QEMU does not run the guest. */
  public static final class GuestNotRunning extends CheckpointException {
    private static final long serialVersionUID = 1L;

    public GuestNotRunning(String message) {
      super(message, null);
    }
  }

  /** A migration has begun and not ended. */
  public static final class Migrating extends CheckpointException {
    private static final long serialVersionUID = 1L;

    public Migrating(String message) {
      super(message, null);
    }
  }

  /** The machine has no disk of that name. */
  public static final class DiskUnknown extends CheckpointException {
    private static final long serialVersionUID = 1L;

    private final String disk;

    public DiskUnknown(String message, String disk) {
      super(message, null);
      this.disk = disk;
    }

    public String disk() {
      return disk;
    }
  }

  /** The disk cannot hold a persistent bitmap. */
  public static final class DiskIneligible extends CheckpointException {
    private static final long serialVersionUID = 1L;

    private final String disk;
    private final transient Ineligibility ineligibility;

    public DiskIneligible(String disk, Ineligibility ineligibility) {
      super("disk %s: %s".formatted(disk, ineligibility.message()), null);
      this.disk = disk;
      this.ineligibility = ineligibility;
    }

    public String disk() {
      return disk;
    }

    public Ineligibility ineligibility() {
      return ineligibility;
    }
  }

  /** A job or an export uses a bitmap that would have to be changed or read. */
  public static final class BitmapBusy extends CheckpointException {
    private static final long serialVersionUID = 1L;

    public BitmapBusy(String message) {
      super(message, null);
    }
  }

  /** The checkpoint's bitmaps are not those that the caller knows of. */
  public static final class Outdated extends CheckpointException {
    private static final long serialVersionUID = 1L;

    public Outdated(String message) {
      super(message, null);
    }
  }

  /** A disk does not have the marker that is on record for it. */
  public static final class EpochMissing extends CheckpointException {
    private static final long serialVersionUID = 1L;

    public EpochMissing(String message) {
      super(message, null);
    }
  }

  /** A marker that would have to be removed is still needed. */
  public static final class MarkerInUse extends CheckpointException {
    private static final long serialVersionUID = 1L;

    public MarkerInUse(String message) {
      super(message, null);
    }
  }

  /** What lower layers list cannot be had, or cannot be merged into the active image's bitmap. */
  public static final class MergeImpossible extends CheckpointException {
    private static final long serialVersionUID = 1L;

    public MergeImpossible(String message) {
      super(message, null);
    }
  }

  /** The bitmaps are there and stay; a disk's flush has not ended well. */
  public static final class FlushPending extends CheckpointException {
    private static final long serialVersionUID = 1L;

    private final String disk;

    public FlushPending(String message, String disk, @Nullable Throwable cause) {
      super(message, cause);
      this.disk = disk;
    }

    public String disk() {
      return disk;
    }
  }

  /** QEMU refused; what the call had added by then is removed again. */
  public static final class Refused extends CheckpointException {
    private static final long serialVersionUID = 1L;

    public Refused(String message, Throwable cause) {
      super(message, cause);
    }
  }

  /** It is not known whether the change was made: look before acting again. */
  public static final class OutcomeUnknown extends CheckpointException {
    private static final long serialVersionUID = 1L;

    public OutcomeUnknown(String message) {
      super(message, null);
    }

    public OutcomeUnknown(String message, Throwable cause) {
      super(message, cause);
    }
  }

  /**
   * The deadline passed; what was changed by then is undone, or does no harm until it is repeated.
   */
  public static final class DeadlineExceeded extends CheckpointException {
    private static final long serialVersionUID = 1L;

    public DeadlineExceeded(String message) {
      super(message, null);
    }
  }
}
