package dev.vmcheckpoint.sidecar.http;

import dev.vmcheckpoint.node.PrintableText;
import java.time.Duration;
import java.util.function.BiConsumer;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says in the log that a caller's certificate is not believed, and why: the operator learns no more
 * than that the handshake failed. Once a minute, for whoever reaches the port can have it refused
 * without end. Thread-safe.
 */
public final class RefusedCallers implements BiConsumer<String, String> {
  private static final Logger LOG = LoggerFactory.getLogger(RefusedCallers.class);
  private static final long EVERY_NANOS = Duration.ofMinutes(1).toNanos();
  private static final int MAX_REASON = 1024;

  private final LongSupplier nanoTime;
  private long lastLine;
  private long unsaid;

  /**
   * Has refused nobody yet.
   *
   * @param nanoTime as {@link System#nanoTime} tells it
   */
  public RefusedCallers(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
    this.lastLine = nanoTime.getAsLong() - EVERY_NANOS;
  }

  @Override
  public synchronized void accept(String peer, String why) {
    long now = nanoTime.getAsLong();
    if (now - lastLine < EVERY_NANOS) {
      unsaid++;
      return;
    }
    LOG.atWarn()
        .addKeyValue("peer", PrintableText.of(peer, MAX_REASON))
        .addKeyValue("why", PrintableText.of(why, MAX_REASON))
        .addKeyValue("othersSinceTheLastLine", unsaid)
        .log("a caller's certificate is not believed");
    lastLine = now;
    unsaid = 0;
  }
}
