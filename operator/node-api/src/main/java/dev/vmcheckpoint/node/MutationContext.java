package dev.vmcheckpoint.node;

/**
 * What every mutating call carries, as the request headers of the same names.
 *
 * @param startId the sidecar's start id as last observed ({@value #START_ID_HEADER})
 * @param leaderTerm the caller's leader term, which grows with every change of the leader ({@value
 *     #LEADER_TERM_HEADER}); an older term than one already seen is refused
 * @param deadlineMillis milliseconds from receipt after which the sidecar starts nothing more
 *     ({@value #DEADLINE_HEADER}), 1 to {@value #MAX_DEADLINE_MILLIS}
 */
public record MutationContext(String startId, long leaderTerm, long deadlineMillis) {
  public static final String START_ID_HEADER = "Vmcheckpoint-Start-Id";
  public static final String LEADER_TERM_HEADER = "Vmcheckpoint-Leader-Term";
  public static final String DEADLINE_HEADER = "Vmcheckpoint-Deadline-Millis";

  /** The longest deadline that a call may carry, in milliseconds. */
  public static final long MAX_DEADLINE_MILLIS = 300_000;

  public MutationContext {
    if (startId.isEmpty() || startId.length() > 64) {
      throw new IllegalArgumentException("%s is 1 to 64 characters".formatted(START_ID_HEADER));
    }
    if (leaderTerm < 0) {
      throw new IllegalArgumentException(
          "%s is not negative, but %d was given".formatted(LEADER_TERM_HEADER, leaderTerm));
    }
    if (deadlineMillis < 1 || deadlineMillis > MAX_DEADLINE_MILLIS) {
      throw new IllegalArgumentException(
          "%s is 1 to %d, but %d was given"
              .formatted(DEADLINE_HEADER, MAX_DEADLINE_MILLIS, deadlineMillis));
    }
  }
}
