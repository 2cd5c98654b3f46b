package dev.vmcheckpoint.sidecar.machine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.node.DiskImage;
import dev.vmcheckpoint.node.DiskObservation;
import dev.vmcheckpoint.node.ErrorCode;
import dev.vmcheckpoint.node.MachineObservation;
import dev.vmcheckpoint.node.MachineReport;
import dev.vmcheckpoint.node.ObserveRequest;
import dev.vmcheckpoint.node.PodUid;
import dev.vmcheckpoint.node.Problem;
import dev.vmcheckpoint.node.Wire;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class AnswerRoomTest {
  private static final int USUAL = 10 << 10;
  private static final int LARGE = 900 << 10;

  private final AnswerRoom room = new AnswerRoom(250);

  /** A report of so many bytes and some more. */
  private static MachineReport report(int bytes) {
    DiskImage image = new DiskImage("f".repeat(bytes), List.of(), Optional.empty());
    DiskObservation disk =
        new DiskObservation(
            "vda",
            "n",
            true,
            Optional.empty(),
            Optional.of(image),
            0,
            List.of(),
            List.of(),
            Optional.empty());
    return new MachineReport.Observed(
        new PodUid("a1"), new MachineObservation("10.0.0", "running", true, "none", List.of(disk)));
  }

  private static void assertRefused(MachineReport report) {
    Problem problem = ((MachineReport.Failed) report).error();
    assertThat(problem.is(ErrorCode.MonitorProtocol)).isTrue();
    assertThat(problem.detail()).contains("bytes to report");
  }

  @Test
  void aLargeReportHasRoomWhereOthersNeedLittle() {
    MachineReport large = report(LARGE);

    assertThat(room.fit(large)).isSameAs(large);
  }

  @Test
  void oneThatIsTooLargeIsNotReported() {
    assertRefused(room.fit(report(1 << 20)));
  }

  @Test
  void largeOnesShareWhatTheyMayTakeTogether() {
    for (int machines = 0; machines < 4; machines++) {
      room.fit(report(LARGE));
    }

    assertRefused(room.fit(report(LARGE)));
  }

  @Test
  void noneTakesThePlaceOfOneOfUsualSize() {
    for (int machines = 0; machines < 200; machines++) {
      room.fit(report(LARGE));
    }
    MachineReport usual = report(USUAL);

    assertThat(room.fit(usual)).isSameAs(usual);
  }

  @Test
  void anAnswerAboutAsManyAsCanBeAskedForIsOneThatTheCallerReads() {
    AnswerRoom crowded = new AnswerRoom(ObserveRequest.MAX_MACHINES);
    long bytes = 0;
    for (int machines = 0; machines < ObserveRequest.MAX_MACHINES; machines++) {
      bytes += Wire.bytes(crowded.fit(report(machines % 2 == 0 ? LARGE : USUAL))).length;
    }

    assertThat(bytes).isLessThan(Wire.MAX_ANSWER_BYTES);
  }
}
