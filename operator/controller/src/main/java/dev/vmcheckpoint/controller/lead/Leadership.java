package dev.vmcheckpoint.controller.lead;

import java.time.Instant;

/** Whether this process is the one that may act. */
public interface Leadership {
  /** Whether it leads now, as far as it knows. */
  boolean isLeading();

  /**
   * A number that grows with every change of the leader; a sidecar refuses a call of an older term.
   */
  long term();

  /**
   * Since when it leads, in whole seconds as the API server counts them; until then others may have
   * acted. A leader that crashed is followed only when its lease has run out, so clocks that differ
   * by some seconds do no harm.
   */
  Instant since();

  /**
   * A sidecar has refused this leader, as it knows a later one. Where the API server knows of none,
   * its data went back in time, and nothing would come of waiting: leadership is begun anew.
   */
  void isRefused();
}
