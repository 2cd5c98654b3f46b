package dev.vmcheckpoint.qmp;

import java.time.Duration;

/**
 * How long to wait for QEMU. A deadline that comes earlier goes before.
 *
 * @param negotiation from the connection to the end of the negotiation
 * @param query for the reply to a query; QEMU answers when its main loop is free
 * @param change for the reply to a command that changes something; a transaction waits for the
 *     requests in flight on every disk of the machine
 * @param flush for one disk to be flushed
 */
public record Timeouts(Duration negotiation, Duration query, Duration change, Duration flush) {
  public static final Timeouts DEFAULT =
      new Timeouts(
          Duration.ofSeconds(5),
          Duration.ofSeconds(15),
          Duration.ofSeconds(60),
          Duration.ofSeconds(20));

  /** How long to wait for the reply to a command. */
  Duration of(Command command) {
    return command.effect() == Command.Effect.QUERY ? query : change;
  }
}
