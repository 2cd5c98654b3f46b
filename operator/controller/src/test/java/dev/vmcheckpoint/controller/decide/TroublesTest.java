package dev.vmcheckpoint.controller.decide;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.controller.decide.Troubles.Trouble;
import dev.vmcheckpoint.node.ErrorCode;
import dev.vmcheckpoint.node.NodeApiException;
import dev.vmcheckpoint.node.Problem;
import dev.vmcheckpoint.node.Retry;
import java.io.IOException;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

final class TroublesTest {
  @ParameterizedTest
  @CsvSource({
    "MachineUnknown, VirtualMachineNotRunning",
    "NoMonitorVolume, NoMonitorVolume",
    "NoMonitorSocket, NoMonitorSocket",
    "MonitorNotListening, MonitorNotListening",
    "MonitorPermissionDenied, MonitorPermissionDenied",
    "MonitorBusy, MonitorBusy",
    "MonitorLost, MonitorUnavailable",
    "MonitorTimeout, MonitorUnavailable",
    "MonitorProtocol, MonitorUnavailable",
    "TooManyRequests, SidecarUnreachable",
    "DeadlineExceeded, SidecarUnreachable",
    "Stopping, SidecarUnreachable",
    "Forbidden, SidecarFailed",
    "Internal, SidecarFailed",
  })
  void aLookThatFailsSaysWhy(ErrorCode code, Reason reason) {
    assertThat(Troubles.ofLook(Problem.of(code, "the detail")))
        .isEqualTo(new Look.Failed(reason, "the detail"));
  }

  @ParameterizedTest
  @CsvSource({
    "TooManyRequests, Deleting",
    "DeadlineExceeded, Deleting",
    "StaleObservation, Deleting",
    "Stopping, SidecarUnreachable",
    "GuestNotRunning, GuestNotRunning",
    "Migrating, Migrating",
    "DiskUnknown, DiskNotFound",
    "DiskIneligible, DiskIneligible",
    "BlockJobPending, Busy",
    "BitmapBusy, Busy",
    "MergeImpossible, OverlayOnTop",
    "FlushPending, FlushPending",
    "Refused, Refused",
    "OutcomeUnknown, OutcomeUnknown",
    "MonitorLost, MonitorUnavailable",
    "Internal, SidecarFailed",
    "InvalidRequest, SidecarFailed",
  })
  void aChangeThatFailsSaysWhy(ErrorCode code, Reason reason) {
    assertThat(ofChange(answered(Problem.of(code, "the detail"))))
        .hasValue(new Trouble(reason, "the detail"));
  }

  @ParameterizedTest
  @EnumSource(
      value = ErrorCode.class,
      names = {"StaleStartId", "StaleLeaderTerm", "EpochMissing"})
  void whatWasDecidedOnSomethingOldIsNotWorthAWord(ErrorCode code) {
    assertThat(ofChange(answered(Problem.of(code, "")))).isEmpty();
  }

  @ParameterizedTest
  @EnumSource(
      value = ErrorCode.class,
      names = {"StaleStartId", "StaleLeaderTerm", "EpochMissing"},
      mode = Mode.EXCLUDE)
  void everyOtherProblemIsSaidInItsOwnWords(ErrorCode code) {
    assertThat(ofChange(answered(Problem.of(code, "the detail"))))
        .hasValueSatisfying(trouble -> assertThat(trouble.message()).isEqualTo("the detail"));
  }

  @Test
  void aCodeOfANewerSidecarIsAFailureOfItsOwn() {
    Problem problem = new Problem("BrandNew", 499, "New", "the detail", Retry.TRANSIENT);

    assertThat(Troubles.ofLook(problem).reason()).isEqualTo(Reason.SidecarFailed);
    assertThat(ofChange(answered(problem)))
        .hasValue(new Trouble(Reason.SidecarFailed, "the detail"));
  }

  @Test
  void aSidecarThatIsNotReachedHasDoneNothing() {
    assertThat(ofChange(new NodeApiException.Unreachable("", cause())))
        .hasValueSatisfying(
            trouble -> {
              assertThat(trouble.reason()).isEqualTo(Reason.SidecarUnreachable);
              assertThat(trouble.message()).contains("node-1");
            });
  }

  @Test
  void aSidecarThatDoesNotAnswerMayHaveDoneIt() {
    assertThat(ofChange(new NodeApiException.NoAnswer("", cause())))
        .hasValueSatisfying(
            trouble -> assertThat(trouble.reason()).isEqualTo(Reason.OutcomeUnknown));
  }

  @Test
  void aSilentSidecarIsSaidInTheSameWordsWhateverTheConnectionSaid() {
    Look.Failed silent =
        new Look.Failed(Reason.SidecarUnreachable, "the sidecar on node node-1 does not answer");

    assertThat(Troubles.ofLook("node-1", new NodeApiException.NoAnswer("after 19 ms", cause())))
        .isEqualTo(silent);
    assertThat(Troubles.ofLook("node-1", new NodeApiException.Unreachable("port 4711", cause())))
        .isEqualTo(silent);
  }

  @Test
  void aSidecarThatRefusesToLookSaysWhy() {
    Problem forbidden = Problem.of(ErrorCode.Forbidden, "the detail");

    assertThat(Troubles.ofLook("node-1", answered(forbidden)))
        .isEqualTo(new Look.Failed(Reason.SidecarFailed, "the detail"));
  }

  private static Optional<Trouble> ofChange(NodeApiException failure) {
    return Troubles.ofChange("node-1", failure, Reason.Deleting);
  }

  private static NodeApiException answered(Problem problem) {
    return new NodeApiException.Answered(problem);
  }

  private static IOException cause() {
    return new IOException("cause");
  }
}
