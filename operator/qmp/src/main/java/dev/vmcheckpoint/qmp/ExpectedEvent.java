package dev.vmcheckpoint.qmp;

import java.time.Duration;

/** An event that is listened for. Used by the thread that uses its {@link Qmp}. */
public interface ExpectedEvent {
  /**
   * Waits for it; at once where it has come since it is listened for.
   *
   * @throws QmpException.TimedOut where it does not come in time
   * @throws QmpException where the connection fails first
   */
  void await(Duration timeout);
}
