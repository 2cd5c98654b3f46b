package dev.vmcheckpoint.controller.decide;

import static dev.vmcheckpoint.controller.decide.Cases.DIRTY;
import static dev.vmcheckpoint.controller.decide.Cases.GRANULARITY;
import static dev.vmcheckpoint.controller.decide.Cases.SIZE;
import static dev.vmcheckpoint.controller.decide.Cases.bitmap;
import static dev.vmcheckpoint.controller.decide.Cases.bitmapOf;
import static dev.vmcheckpoint.controller.decide.Cases.counting;
import static dev.vmcheckpoint.controller.decide.Cases.disk;
import static dev.vmcheckpoint.controller.decide.Cases.epoch;
import static dev.vmcheckpoint.controller.decide.Cases.established;
import static dev.vmcheckpoint.controller.decide.Cases.image;
import static dev.vmcheckpoint.controller.decide.Cases.ineligible;
import static dev.vmcheckpoint.controller.decide.Cases.machine;
import static dev.vmcheckpoint.controller.decide.Cases.open;
import static dev.vmcheckpoint.controller.decide.Cases.probed;
import static dev.vmcheckpoint.controller.decide.Cases.recorded;
import static dev.vmcheckpoint.controller.decide.Cases.seen;
import static dev.vmcheckpoint.controller.decide.Cases.unseen;
import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.api.DiskState;
import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Disk;
import dev.vmcheckpoint.controller.decide.Verdict.Judged;
import dev.vmcheckpoint.node.BitmapObservation;
import dev.vmcheckpoint.node.DiskObservation;
import dev.vmcheckpoint.node.DiskObservation.Ineligibility;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

final class DiskJudgeTest {
  @Test
  void aHealthyBitmapInItsPlaceIsRecording() {
    assertThat(judge(disk("vda", bitmap("vda")))).isEqualTo(recorded("vda"));
  }

  @Test
  void aDiskThatWasUnknownIsRecordingAgainWithoutALeftoverOfTheReason() {
    Disk unknown = recorded("vda").judged(DiskState.Unknown, Reason.Busy, "busy");

    assertThat(judge(unknown, seen(disk("vda", bitmap("vda"))))).isEqualTo(recorded("vda"));
  }

  @Test
  void aDiskThatHasBecomeReadOnlyIsJudgedByItsBitmap() {
    DiskObservation readOnly =
        new DiskObservation(
            "vda",
            "vda-format",
            false,
            Optional.of(new Ineligibility(Reason.ReadOnly.name(), "it is read-only")),
            Optional.of(image("vda")),
            SIZE,
            List.of(epoch("e0"), open("e0"), bitmap("vda")),
            List.of(),
            Optional.empty());

    assertThat(judge(readOnly).state()).isEqualTo(DiskState.Recording);
  }

  @Nested
  class WhatCannotBeSeenIsUnknown {
    @ParameterizedTest
    @EnumSource(
        value = Reason.class,
        names = {
          "VirtualMachineNotFound",
          "VirtualMachineNotRunning",
          "AmbiguousVirtualMachine",
          "GuestNotRunning",
          "Migrating",
          "NoSidecar",
          "SidecarUnreachable",
          "MonitorBusy"
        })
    void aMachineThatWasNotSeen(Reason reason) {
      assertUnknown(judge(recorded("vda"), unseen(reason)), reason);
    }

    @Test
    void aDeviceThatIsNotThere() {
      assertUnknown(judge(disk("vdb", bitmap("vda"))), Reason.Detached);
    }

    @Test
    void aDriveWithoutAMedium() {
      assertUnknown(
          judge(
              new DiskObservation(
                  "vda",
                  "",
                  true,
                  Optional.empty(),
                  Optional.empty(),
                  0,
                  List.of(),
                  List.of(),
                  Optional.empty())),
          Reason.Detached);
    }

    @Test
    void anImageThatIsNotActiveHere() {
      assertUnknown(judge(ineligible("vda", Reason.Inactive, true)), Reason.Migrating);
    }

    @Test
    void theImageOfAnotherDiskOfThisCheckpointUnderTheSameFileName() {
      assertUnknown(judge(disk("vda", bitmap("vdb"))), Reason.DiskReplaced);
    }

    @Test
    void aBitmapInUse() {
      assertUnknown(judge(disk("vda", flags(true, true, true, false))), Reason.Busy);
    }

    @Test
    void absenceInAnOldQemuThatMayNotHaveLoadedItsBitmapsYet() {
      assertUnknown(
          judge(recorded("vda"), seen(machine("7.2.22", "paused", disk("vda")))),
          Reason.GuestNotRunning);
    }
  }

  @Nested
  class WhatWasSeenToBeLostIsLost {
    @Test
    void aBitmapThatIsGone() {
      assertLost(judge(disk("vda")), Reason.BitmapMissing);
    }

    @ParameterizedTest
    @CsvSource({"7.2.22, running", "10.0.0, paused", "11.1.0, paused", "11, paused"})
    void absenceWhereItCounts(String version, String runState) {
      assertLost(
          judge(recorded("vda"), seen(machine(version, runState, disk("vda")))),
          Reason.BitmapMissing);
    }

    @Test
    void aBitmapOfAnotherAttemptInItsPlace() {
      String another = bitmapOf("vda").replace("attempt", "another");
      assertLost(
          judge(
              disk(
                  "vda",
                  new BitmapObservation(
                      another, GRANULARITY, DIRTY, true, true, false, false, Optional.of(false)))),
          Reason.BitmapMissing);
    }

    @Test
    void anInconsistentBitmap() {
      assertLost(judge(disk("vda", flags(false, true, false, true))), Reason.BitmapInconsistent);
    }

    @Test
    void aDisabledBitmap() {
      assertLost(judge(disk("vda", flags(false, true, false, false))), Reason.BitmapNotRecording);
    }

    @Test
    void aTransientBitmap() {
      assertLost(judge(disk("vda", flags(true, false, false, false))), Reason.BitmapNotPersistent);
    }

    @Test
    void anotherGranularity() {
      assertLost(
          judge(
              disk(
                  "vda",
                  new BitmapObservation(
                      bitmapOf("vda"),
                      GRANULARITY * 2,
                      DIRTY,
                      true,
                      true,
                      false,
                      false,
                      Optional.of(false)))),
          Reason.GranularityChanged);
    }

    @Test
    void aSmallerDisk() {
      assertLost(judge(disk("vda", image("vda"), SIZE - 512, bitmap("vda"))), Reason.Shrunk);
    }

    @Test
    void aBitmapThatListsLessThanItDid() {
      assertLost(judge(disk("vda", counting("vda", DIRTY - GRANULARITY))), Reason.Cleared);
    }

    @Test
    void aStatusThatNamesABitmapOfAnotherCheckpoint() {
      Disk copied =
          new Disk(
              "vda",
              DiskState.Recording,
              Reason.Recording,
              null,
              "vmcp-ffffffff-0000-4000-8000-000000000002.attempt.vda",
              null,
              null,
              null,
              null,
              null,
              null);

      assertLost(judge(copied, unseen(Reason.NoSidecar)), Reason.BitmapMissing);
    }

    @Test
    void andStaysSoWhateverIsSeenLater() {
      Disk lost = recorded("vda").judged(DiskState.Lost, Reason.BitmapMissing, "gone");

      assertThat(judge(lost, seen(disk("vda", bitmap("vda"))))).isEqualTo(lost);
      assertThat(judge(lost, unseen(Reason.NoSidecar))).isEqualTo(lost);
    }
  }

  @Nested
  class WhatChangedWithoutHarmIsRecordedAnew {
    @Test
    void aDiskThatGrew() {
      Disk judged = judge(disk("vda", image("vda"), 2 * SIZE, bitmap("vda")));

      assertThat(judged.state()).isEqualTo(DiskState.Recording);
      assertThat(judged.virtualSizeBytes()).isEqualTo(2 * SIZE);
    }
  }

  @Nested
  class DirtyBytes {
    @ParameterizedTest
    @CsvSource({
      "0,     0,       0",
      "0,     65536,   65536",
      "65536, 65536,   65536",
      "65536, 131071,  65536",
      "65536, 131072,  131072",
      "65536, 1048576, 1048576",
    })
    void areWrittenAnewOnceTheyHaveDoubled(long recorded, long seen, long written) {
      assertThat(judge(recordedWith(recorded), seen(disk("vda", counting("vda", seen)))))
          .satisfies(disk -> assertThat(disk.dirtyBytes()).isEqualTo(written));
    }

    @Test
    void areExactForAProbe() {
      Disk recorded = recordedWith(65_536);
      Disk judged =
          judge(
              probed(established(recorded), "p1"),
              recorded,
              seen(disk("vda", counting("vda", 65_537))));

      assertThat(judged.dirtyBytes()).isEqualTo(65_537);
    }

    private Disk recordedWith(long dirtyBytes) {
      Disk disk = recorded("vda");
      return new Disk(
          disk.name(),
          disk.state(),
          disk.reason(),
          disk.message(),
          disk.bitmap(),
          disk.epoch(),
          disk.blockNode(),
          disk.image(),
          disk.virtualSizeBytes(),
          disk.granularityBytes(),
          dirtyBytes);
    }
  }

  private static BitmapObservation flags(
      boolean recording, boolean persistent, boolean busy, boolean inconsistent) {
    return new BitmapObservation(
        bitmapOf("vda"),
        GRANULARITY,
        DIRTY,
        recording,
        persistent,
        busy,
        inconsistent,
        Optional.of(false));
  }

  private static Disk judge(DiskObservation observed) {
    return judge(recorded("vda"), seen(observed));
  }

  private static Disk judge(Disk recorded, Observation observation) {
    return judge(established(recorded), recorded, observation);
  }

  private static Disk judge(Checkpoint checkpoint, Disk recorded, Observation observation) {
    Verdict verdict = new DiskJudge(checkpoint, observation, Map.of()).judge(recorded);
    assertThat(verdict).isInstanceOf(Judged.class);
    return ((Judged) verdict).disk();
  }

  private static void assertUnknown(Disk judged, Reason reason) {
    assertThat(judged.state()).isEqualTo(DiskState.Unknown);
    assertThat(judged.reason()).isEqualTo(reason);
    assertThat(judged.message()).isNotBlank();
    assertThat(judged.bitmap()).isEqualTo(recorded("vda").bitmap());
  }

  private static void assertLost(Disk judged, Reason reason) {
    assertThat(judged.state()).isEqualTo(DiskState.Lost);
    assertThat(judged.reason()).isEqualTo(reason);
    assertThat(judged.message()).isNotBlank();
  }
}
