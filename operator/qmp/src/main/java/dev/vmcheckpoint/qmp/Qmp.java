package dev.vmcheckpoint.qmp;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;

/**
 * A way to one QEMU's monitor. Implementations are used by one thread at a time.
 *
 * <p>A command is sent once and never again. What a failure says of it: after {@link
 * QmpException.Refused} and {@link QmpException.DeadlinePassed} it was not carried out; after any
 * other {@link QmpException} it may have been.
 */
public interface Qmp {
  /**
   * Runs a command.
   *
   * @param arguments the command's arguments; empty where it has none
   * @param timeout how long to wait for the reply; QEMU itself goes on with a command whose reply
   *     nobody waits for
   * @return the reply's {@code return} member
   */
  JsonNode execute(Command command, ObjectNode arguments, Duration timeout);

  /**
   * Listens for an event from now on: to be called before the command is sent that leads to it.
   *
   * @param id the member {@code id} of the event's data
   */
  ExpectedEvent expect(Event event, String id);

  /** The version that QEMU greeted with. */
  QemuVersion version();
}
