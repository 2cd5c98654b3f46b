package dev.vmcheckpoint.proof;

/** Crashes of the system's own processes. They cost nothing. */
final class CrashSteps {
  private CrashSteps() {}

  /** Who crashes. */
  enum Who {
    OPERATOR,
    SIDECAR
  }

  /**
   * A process is killed, and started again, during what comes next.
   *
   * @param afterMillis milliseconds from now
   */
  record Crash(Who who, int afterMillis) implements Step {
    @Override
    public boolean take(World world) {
      switch (who) {
        case OPERATOR -> world.system().crashOperator(afterMillis);
        case SIDECAR -> world.system().crashSidecar(afterMillis);
      }
      return true;
    }
  }
}
