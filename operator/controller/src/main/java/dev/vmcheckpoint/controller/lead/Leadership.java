package dev.vmcheckpoint.controller.lead;

/** Whether this process is the one that may act. */
public interface Leadership {
  /** Whether it leads now, as far as it knows. */
  boolean isLeading();

  /**
   * A number that grows with every change of the leader; a sidecar refuses a call of an older term.
   */
  long term();
}
