package dev.vmcheckpoint.qmp;

import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * The memory that a process gives to what its peers send, all connections together: a peer is a
 * tenant's process, and what it sends must not take another tenant's connection down. A share that
 * is small is cut from a part that no large one can use up. Thread-safe.
 */
public final class ReplyMemory {
  /** Enough for a machine with about eighty bitmaps, in bytes. */
  private static final int SMALL_SHARE = 256 << 10;

  /** Memory is given in pieces of so many bytes. */
  private static final int PIECE = 16 << 10;

  /** A share can hold two messages, and two of the largest fit: one peer alone blocks no other. */
  private static final int MESSAGES = 4;

  private final Semaphore small;
  private final Semaphore large;
  private final long maxMessage;

  /**
   * Gives part of a heap.
   *
   * @param heap the most bytes that the whole process may take, as {@link Runtime#maxMemory} has it
   */
  public ReplyMemory(long heap) {
    long largeBytes = heap * 5 / 12;
    this.small = new Semaphore(pieces(heap / 6));
    this.large = new Semaphore(pieces(largeBytes));
    this.maxMessage = largeBytes / MESSAGES;
  }

  private static int pieces(long bytes) {
    return (int) Math.min((bytes + PIECE - 1) / PIECE, Integer.MAX_VALUE);
  }

  /** The share of a new connection; nothing as yet. */
  Share share() {
    return new Share();
  }

  /** What one connection has. Used by one thread at a time. */
  final class Share implements AutoCloseable {
    private int smallPieces;
    private int largePieces;
    private long largestMessage;

    /**
     * Makes room for a message beside the largest one before it, since a conversation makes use of
     * two at a time.
     *
     * @param bytes what the message takes in memory
     * @throws QmpException.ProtocolViolated where that is more than a message may take
     * @throws QmpException.TimedOut where other connections have the memory until the deadline
     */
    void fit(long bytes, Deadline deadline) {
      if (bytes > maxMessage) {
        throw new QmpException.ProtocolViolated(
            "the monitor sent a message that takes more than %d bytes of memory"
                .formatted(maxMessage));
      }
      int wanted = pieces(largestMessage + bytes);
      int wantedSmall = Math.min(wanted, SMALL_SHARE / PIECE);
      int wantedLarge = wanted - wantedSmall;
      if (wantedSmall > smallPieces) {
        take(small, wantedSmall - smallPieces, deadline);
        smallPieces = wantedSmall;
      }
      if (wantedLarge > largePieces) {
        take(large, wantedLarge - largePieces, deadline);
        largePieces = wantedLarge;
      }
    }

    /** Ends a message. */
    void end(long bytes) {
      largestMessage = Math.max(largestMessage, bytes);
    }

    @Override
    public void close() {
      small.release(smallPieces);
      large.release(largePieces);
      smallPieces = 0;
      largePieces = 0;
    }
  }

  private static void take(Semaphore memory, int pieces, Deadline deadline) {
    boolean taken;
    try {
      taken =
          memory.tryAcquire(
              pieces, Math.max(deadline.remaining().toNanos(), 0), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      taken = false;
    }
    if (!taken) {
      throw new QmpException.TimedOut(
          "the monitor's message did not get the memory that it takes in time: those of other machines have it");
    }
  }
}
