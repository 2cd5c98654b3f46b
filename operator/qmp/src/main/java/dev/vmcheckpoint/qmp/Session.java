package dev.vmcheckpoint.qmp;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;

/**
 * Commands under one deadline.
 *
 * @param deadline after it nothing is sent
 */
public record Session(Qmp qmp, Timeouts timeouts, Deadline deadline) {
  /** Runs a command that has no arguments. */
  public Reply run(Command command) {
    return run(command, JsonNodeFactory.instance.objectNode());
  }

  /**
   * Runs a command.
   *
   * @throws QmpException.DeadlinePassed where the deadline has passed, and nothing was sent
   */
  public Reply run(Command command, ObjectNode arguments) {
    return run(command, arguments, timeouts.of(command));
  }

  /** Runs a command with a time-out of its own. */
  public Reply run(Command command, ObjectNode arguments, Duration timeout) {
    if (deadline.passed()) {
      throw new QmpException.DeadlinePassed(
          "the deadline passed before %s was sent".formatted(command.wireName()));
    }
    return new Reply(
        command.wireName(), qmp.execute(command, arguments, deadline.remainingUpTo(timeout)));
  }

  /** Waits for an event that follows a change. */
  public void await(ExpectedEvent event) {
    event.await(deadline.remainingUpTo(timeouts.change()));
  }
}
