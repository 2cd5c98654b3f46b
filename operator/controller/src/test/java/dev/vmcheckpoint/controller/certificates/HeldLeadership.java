package dev.vmcheckpoint.controller.certificates;

import dev.vmcheckpoint.controller.lead.Leadership;
import java.time.Instant;

/** Leads when a test says so. */
final class HeldLeadership implements Leadership {
  private volatile boolean isLeading;

  void begins() {
    isLeading = true;
  }

  void ends() {
    isLeading = false;
  }

  @Override
  public boolean isLeading() {
    return isLeading;
  }

  @Override
  public long term() {
    return 1;
  }

  @Override
  public Instant since() {
    return Instant.EPOCH;
  }

  @Override
  public void isRefused() {
    throw new IllegalStateException("no sidecar refuses anything here");
  }
}
