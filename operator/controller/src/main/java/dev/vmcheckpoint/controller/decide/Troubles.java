package dev.vmcheckpoint.controller.decide;

import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.node.ErrorCode;
import dev.vmcheckpoint.node.NodeApiException;
import dev.vmcheckpoint.node.Problem;
import java.util.Arrays;
import java.util.Optional;

/** What a failed call to a sidecar means in the words of the API. */
public final class Troubles {
  private Troubles() {}

  /**
   * Something to tell the user.
   *
   * @param reason what it is
   * @param message a sentence
   */
  public record Trouble(Reason reason, String message) {

    /** Whether it may stand in the way of one disk alone, and not of its machine or node. */
    public boolean isOfADisk() {
      return switch (reason) {
        case DiskNotFound, DiskIneligible, Busy, OverlayOnTop, FlushPending, Refused -> true;
        default -> false;
      };
    }
  }

  /** A look that failed as a whole. */
  public static Look.Failed ofLook(String node, NodeApiException failure) {
    return switch (failure) {
      case NodeApiException.Answered answered -> ofLook(answered.problem());
      case NodeApiException.Unreachable _ -> silent(node);
      case NodeApiException.NoAnswer _ -> silent(node);
    };
  }

  /** A look into one machine that failed. */
  public static Look.Failed ofLook(Problem problem) {
    return new Look.Failed(reasonOfLook(problem), problem.detail());
  }

  /** The addresses and times in a failure's own words would make each look another message. */
  private static Look.Failed silent(String node) {
    return new Look.Failed(
        Reason.SidecarUnreachable, "the sidecar on node %s does not answer".formatted(node));
  }

  private static Reason reasonOfLook(Problem problem) {
    return code(problem)
        .map(code -> reasonOf(code, Reason.SidecarUnreachable))
        .orElse(Reason.SidecarFailed);
  }

  /**
   * A mutating call that failed. Empty where there is nothing to tell: the caller has to look again
   * first, or is no longer the leader, whose place it is to tell.
   *
   * @param meanwhile the reason for a change that only has to wait for its turn
   */
  public static Optional<Trouble> ofChange(
      String node, NodeApiException failure, Reason meanwhile) {
    return switch (failure) {
      case NodeApiException.Answered answered -> ofChange(answered.problem(), meanwhile);
      case NodeApiException.Unreachable _ ->
          Optional.of(
              new Trouble(
                  Reason.SidecarUnreachable,
                  "the sidecar on node %s cannot be reached".formatted(node)));
      case NodeApiException.NoAnswer _ ->
          Optional.of(
              new Trouble(
                  Reason.OutcomeUnknown,
                  "the sidecar on node %s was asked and did not answer".formatted(node)));
    };
  }

  private static Optional<Trouble> ofChange(Problem problem, Reason meanwhile) {
    Optional<ErrorCode> code = code(problem);
    if (code.filter(Troubles::isAboutSomethingOld).isPresent()) {
      return Optional.empty();
    }
    Reason reason = code.map(known -> reasonOf(known, meanwhile)).orElse(Reason.SidecarFailed);
    return Optional.of(new Trouble(reason, problem.detail()));
  }

  /** Whether a sidecar refused a call because a later leader has called. */
  public static boolean isRefusalOfTheLeader(NodeApiException failure) {
    return failure instanceof NodeApiException.Answered answered
        && answered.problem().is(ErrorCode.StaleLeaderTerm);
  }

  private static boolean isAboutSomethingOld(ErrorCode code) {
    return switch (code) {
      case StaleStartId, StaleLeaderTerm, EpochMissing -> true;
      default -> false;
    };
  }

  private static Reason reasonOf(ErrorCode code, Reason meanwhile) {
    return switch (code) {
      case TooManyRequests, DeadlineExceeded, StaleObservation -> meanwhile;
      case Stopping -> Reason.SidecarUnreachable;
      case MachineUnknown -> Reason.VirtualMachineNotRunning;
      case NoMonitorVolume -> Reason.NoMonitorVolume;
      case NoMonitorSocket -> Reason.NoMonitorSocket;
      case MonitorNotListening -> Reason.MonitorNotListening;
      case MonitorPermissionDenied -> Reason.MonitorPermissionDenied;
      case MonitorBusy -> Reason.MonitorBusy;
      case MonitorLost, MonitorTimeout, MonitorProtocol -> Reason.MonitorUnavailable;
      case GuestNotRunning -> Reason.GuestNotRunning;
      case Migrating -> Reason.Migrating;
      case DiskUnknown -> Reason.DiskNotFound;
      case DiskIneligible -> Reason.DiskIneligible;
      case BlockJobPending, BitmapBusy -> Reason.Busy;
      case MergeImpossible -> Reason.OverlayOnTop;
      case FlushPending -> Reason.FlushPending;
      case Refused -> Reason.Refused;
      case OutcomeUnknown -> Reason.OutcomeUnknown;
      default -> Reason.SidecarFailed;
    };
  }

  private static Optional<ErrorCode> code(Problem problem) {
    return Arrays.stream(ErrorCode.values()).filter(problem::is).findFirst();
  }
}
