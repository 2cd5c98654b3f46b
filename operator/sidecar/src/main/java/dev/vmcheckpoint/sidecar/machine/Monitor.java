package dev.vmcheckpoint.sidecar.machine;

import dev.vmcheckpoint.node.ErrorCode;
import dev.vmcheckpoint.node.NodeApiException;
import dev.vmcheckpoint.node.PodUid;
import dev.vmcheckpoint.qmp.Deadline;
import dev.vmcheckpoint.qmp.Qmp;
import dev.vmcheckpoint.qmp.QmpConnection;
import dev.vmcheckpoint.qmp.QmpException;
import dev.vmcheckpoint.qmp.ReplyMemory;
import dev.vmcheckpoint.qmp.Timeouts;
import dev.vmcheckpoint.qmp.checkpoint.CheckpointException;
import dev.vmcheckpoint.qmp.flush.MonitorVolume;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.function.BiFunction;

/**
 * One conversation with a machine's monitor: opened for it and closed after it, since a monitor
 * serves one client at a time.
 */
final class Monitor {
  private final Path podsDirectory;
  private final PodUid machine;
  private final Timeouts timeouts;
  private final ReplyMemory memory;

  Monitor(Path podsDirectory, PodUid machine, Timeouts timeouts, ReplyMemory memory) {
    this.podsDirectory = podsDirectory;
    this.machine = machine;
    this.timeouts = timeouts;
    this.memory = memory;
  }

  /**
   * Holds a conversation.
   *
   * @param conversation given the monitor, and the volume that its socket is in
   * @throws NodeApiException.Answered where it brings no result
   */
  <T> T talk(Deadline deadline, BiFunction<Qmp, MonitorVolume, T> conversation) {
    if (deadline.passed()) {
      throw new NodeApiException.Answered(
          ErrorCode.DeadlineExceeded, "no time is left to talk to machine %s".formatted(machine));
    }
    try (PodVolume volume = PodVolume.open(podsDirectory, machine)) {
      return talk(volume, deadline, conversation);
    }
  }

  private <T> T talk(
      PodVolume volume, Deadline deadline, BiFunction<Qmp, MonitorVolume, T> conversation) {
    SocketChannel channel = volume.connectToMonitor();
    try (QmpConnection qmp =
        QmpConnection.open(channel, deadline.remainingUpTo(timeouts.negotiation()), memory)) {
      return conversation.apply(qmp, volume);
    } catch (QmpException e) {
      throw problem(volume, codeOf(e), e);
    } catch (CheckpointException e) {
      throw problem(volume, codeOf(e), e);
    }
  }

  private static NodeApiException.Answered problem(
      PodVolume volume, ErrorCode code, RuntimeException cause) {
    return new NodeApiException.Answered(
        code, "%s: %s".formatted(volume.monitorPath(), cause.getMessage()));
  }

  private static ErrorCode codeOf(QmpException e) {
    return switch (e) {
      case QmpException.Refused _ -> ErrorCode.Refused;
      case QmpException.MonitorBusy _ -> ErrorCode.MonitorBusy;
      case QmpException.ConnectionLost _ -> ErrorCode.MonitorLost;
      case QmpException.TimedOut _ -> ErrorCode.MonitorTimeout;
      case QmpException.DeadlinePassed _ -> ErrorCode.DeadlineExceeded;
      case QmpException.Unsafe _ -> ErrorCode.BlockJobPending;
      case QmpException.ProtocolViolated _ -> ErrorCode.MonitorProtocol;
    };
  }

  private static ErrorCode codeOf(CheckpointException e) {
    return switch (e) {
      case CheckpointException.GuestNotRunning _ -> ErrorCode.GuestNotRunning;
      case CheckpointException.Migrating _ -> ErrorCode.Migrating;
      case CheckpointException.DiskUnknown _ -> ErrorCode.DiskUnknown;
      case CheckpointException.DiskIneligible _ -> ErrorCode.DiskIneligible;
      case CheckpointException.BitmapBusy _ -> ErrorCode.BitmapBusy;
      case CheckpointException.Outdated _ -> ErrorCode.StaleObservation;
      case CheckpointException.EpochMissing _ -> ErrorCode.EpochMissing;
      case CheckpointException.MarkerInUse _ -> ErrorCode.InvalidRequest;
      case CheckpointException.MergeImpossible _ -> ErrorCode.MergeImpossible;
      case CheckpointException.FlushPending _ -> ErrorCode.FlushPending;
      case CheckpointException.Refused _ -> ErrorCode.Refused;
      case CheckpointException.OutcomeUnknown _ -> ErrorCode.OutcomeUnknown;
      case CheckpointException.DeadlineExceeded _ -> ErrorCode.DeadlineExceeded;
    };
  }
}
