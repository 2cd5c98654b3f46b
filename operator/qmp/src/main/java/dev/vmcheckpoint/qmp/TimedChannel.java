package dev.vmcheckpoint.qmp;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SocketChannel;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A socket whose reads and writes end in time. Java's unix sockets have no time-outs, so a timer
 * closes the channel; a thread that waits on it, virtual or not, is thereby let go. Used by one
 * thread at a time.
 */
public final class TimedChannel implements AutoCloseable {
  private final SocketChannel channel;
  private volatile boolean timedOut;

  /** Takes over a connected channel in blocking mode. */
  public TimedChannel(SocketChannel channel) {
    this.channel = channel;
  }

  /**
   * Waits for bytes.
   *
   * @return how many were read, or -1 where the peer has closed
   * @throws TimeoutException where none came in time; the channel is then closed
   * @throws IOException where the connection broke
   */
  public int read(ByteBuffer target, Deadline deadline) throws IOException, TimeoutException {
    return inTime(deadline, () -> channel.read(target));
  }

  /**
   * Writes the whole buffer.
   *
   * @throws TimeoutException where the peer did not take it in time; the channel is then closed
   * @throws IOException where the connection broke
   */
  public void write(ByteBuffer source, Deadline deadline) throws IOException, TimeoutException {
    while (source.hasRemaining()) {
      inTime(deadline, () -> channel.write(source));
    }
  }

  private int inTime(Deadline deadline, Operation operation) throws IOException, TimeoutException {
    CompletableFuture<Void> ended = new CompletableFuture<>();
    CompletableFuture<Void> guarded =
        ended
            .orTimeout(Math.max(deadline.remaining().toNanos(), 0), TimeUnit.NANOSECONDS)
            .whenComplete(
                (nothing, late) -> {
                  if (late != null) {
                    timedOut = true;
                    close();
                  }
                });
    try {
      return operation.run();
    } catch (ClosedChannelException e) {
      if (timedOut) {
        throw new TimeoutException();
      }
      throw e;
    } finally {
      ended.complete(null);
      guarded.complete(null);
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      // The descriptor is released all the same, and nobody reads or writes here any more.
    }
  }

  private interface Operation {
    int run() throws IOException;
  }
}
