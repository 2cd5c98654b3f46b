package dev.vmcheckpoint.node;

/** Stable codes of {@link Problem}s, each with its HTTP status and whether retrying can help. */
public enum ErrorCode {
  // The request
  InvalidRequest(400, Retry.FINAL, "The request is not valid"),
  Forbidden(403, Retry.FINAL, "The caller's certificate does not permit this call"),
  NotFound(404, Retry.FINAL, "There is no such resource"),
  MethodNotAllowed(405, Retry.FINAL, "The resource does not have this method"),
  PayloadTooLarge(413, Retry.FINAL, "The request body is too large"),
  UnsupportedMediaType(415, Retry.FINAL, "The request body is not JSON"),
  TooManyRequests(429, Retry.TRANSIENT, "The sidecar is at its limit of concurrent calls"),
  Stopping(503, Retry.TRANSIENT, "The sidecar is stopping"),
  Internal(500, Retry.UNKNOWN, "The sidecar failed"),

  // The caller's view of the sidecar
  StaleStartId(409, Retry.TRANSIENT, "The sidecar was restarted since it was observed"),
  StaleObservation(409, Retry.TRANSIENT, "The bitmaps have changed since they were observed"),
  StaleLeaderTerm(409, Retry.FINAL, "A newer leader has called"),
  DeadlineExceeded(504, Retry.TRANSIENT, "The deadline passed before anything was started"),

  // The way to the monitor
  MachineUnknown(404, Retry.TRANSIENT, "The pod has no directory on this node"),
  NoMonitorVolume(409, Retry.TRANSIENT, "The pod has no emptyDir volume named qmp"),
  NoMonitorSocket(409, Retry.TRANSIENT, "The qmp volume holds no socket qmp.sock"),
  MonitorNotListening(409, Retry.TRANSIENT, "Nobody listens on the monitor's socket"),
  MonitorPermissionDenied(409, Retry.TRANSIENT, "The sidecar may not open the monitor's socket"),
  MonitorBusy(409, Retry.TRANSIENT, "Another client holds the monitor"),
  MonitorLost(502, Retry.UNKNOWN, "The connection to the monitor was lost"),
  MonitorTimeout(504, Retry.UNKNOWN, "The monitor did not answer in time"),
  MonitorProtocol(502, Retry.UNKNOWN, "The monitor does not speak QMP"),

  // The machine
  GuestNotRunning(409, Retry.TRANSIENT, "This QEMU does not run the guest"),
  Migrating(409, Retry.TRANSIENT, "A migration is pending"),
  BlockJobPending(409, Retry.TRANSIENT, "A job that takes layers out of a backing chain is there"),
  DiskUnknown(422, Retry.TRANSIENT, "The machine has no such disk"),
  DiskIneligible(422, Retry.TRANSIENT, "The disk cannot hold a persistent bitmap"),
  BitmapBusy(409, Retry.TRANSIENT, "A job or an export uses the bitmap"),
  EpochMissing(409, Retry.FINAL, "The disk does not have the marker on record"),
  MergeImpossible(422, Retry.FINAL, "A bitmap cannot be brought up to date from lower layers"),
  FlushPending(409, Retry.TRANSIENT, "The bitmaps are added, but a flush has not ended well"),
  Refused(422, Retry.TRANSIENT, "QEMU refused the command"),
  OutcomeUnknown(502, Retry.UNKNOWN, "It is not known whether the change was made");

  private final int status;
  private final Retry retry;
  private final String title;

  ErrorCode(int status, Retry retry, String title) {
    this.status = status;
    this.retry = retry;
    this.title = title;
  }

  /** The HTTP status that goes with the code. */
  public int status() {
    return status;
  }

  /** Whether sending the call again can help. */
  public Retry retry() {
    return retry;
  }

  /** A summary that is the same for each occurrence. */
  public String title() {
    return title;
  }
}
