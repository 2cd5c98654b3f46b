package dev.vmcheckpoint.controller.decide;

import static dev.vmcheckpoint.controller.decide.Cases.GRANULARITY;
import static dev.vmcheckpoint.controller.decide.Cases.LATER;
import static dev.vmcheckpoint.controller.decide.Cases.NOON;
import static dev.vmcheckpoint.controller.decide.Cases.PLACE;
import static dev.vmcheckpoint.controller.decide.Cases.bitmap;
import static dev.vmcheckpoint.controller.decide.Cases.bitmapOf;
import static dev.vmcheckpoint.controller.decide.Cases.checkpoint;
import static dev.vmcheckpoint.controller.decide.Cases.disk;
import static dev.vmcheckpoint.controller.decide.Cases.epoch;
import static dev.vmcheckpoint.controller.decide.Cases.established;
import static dev.vmcheckpoint.controller.decide.Cases.fresh;
import static dev.vmcheckpoint.controller.decide.Cases.image;
import static dev.vmcheckpoint.controller.decide.Cases.ineligible;
import static dev.vmcheckpoint.controller.decide.Cases.probed;
import static dev.vmcheckpoint.controller.decide.Cases.recorded;
import static dev.vmcheckpoint.controller.decide.Cases.saying;
import static dev.vmcheckpoint.controller.decide.Cases.seen;
import static dev.vmcheckpoint.controller.decide.Cases.skipping;
import static dev.vmcheckpoint.controller.decide.Cases.unflushed;
import static dev.vmcheckpoint.controller.decide.Cases.unseen;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.vmcheckpoint.api.Condition;
import dev.vmcheckpoint.api.Condition.Status;
import dev.vmcheckpoint.api.ConditionType;
import dev.vmcheckpoint.api.Conditions;
import dev.vmcheckpoint.api.DiskState;
import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Disk;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.SkippedDisk;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Summary;
import dev.vmcheckpoint.controller.decide.Decision.Create;
import dev.vmcheckpoint.controller.decide.Decision.Report;
import dev.vmcheckpoint.controller.decide.Observation.Seen;
import dev.vmcheckpoint.controller.decide.Troubles.Trouble;
import dev.vmcheckpoint.node.Barrier;
import dev.vmcheckpoint.node.BitmapObservation;
import dev.vmcheckpoint.node.BitmapsDigest;
import dev.vmcheckpoint.node.CheckpointUid;
import dev.vmcheckpoint.node.EnsureRequest;
import dev.vmcheckpoint.node.EnsureResponse;
import dev.vmcheckpoint.node.EnsureResponse.CheckpointDisk;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class DeciderTest {
  /** The digest of no bitmaps. */
  private static final String NONE =
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

  @Nested
  class BeforeItIsEstablished {
    @Test
    void theSelectedDisksAreAskedFor() {
      assertThat(Cases.decide(fresh(), seen(disk("vda"), disk("vdb")), List.of(), NOON))
          .isEqualTo(
              new Create(
                  new EnsureRequest(
                      List.of("vda", "vdb"), Optional.empty(), Barrier.Flush, Optional.of(NONE)),
                  List.of(),
                  seen(disk("vda"), disk("vdb"))));
    }

    @Test
    void aDiskWithAsManyCheckpointsAsPermittedGetsNoFurtherOne() {
      Seen full = seen(disk("vda"), disk("vdb", foreign("1"), foreign("2"), epoch("e0")));

      Decision decision = Decider.decide(fresh(), full, List.of(), new CheckpointLimit(2), NOON);

      VirtualMachineCheckpointStatus status = ((Report) decision).status();
      assertCondition(status, ConditionType.Ready, Status.False, Reason.TooManyCheckpoints);
      assertThat(status.conditions())
          .anySatisfy(
              condition ->
                  assertThat(condition.message())
                      .isEqualTo("2 checkpoints, the most that there may be, are on disk vdb"));
      assertThat(Cases.decide(fresh(), full, List.of(), NOON)).isInstanceOf(Create.class);
    }

    @Test
    void whatAnEarlierTryMadeIsTakenOverThoughTheDiskIsFull() {
      Seen full = seen(disk("vda", foreign("1"), bitmap("vda")));

      assertThat(Decider.decide(fresh(), full, List.of(), new CheckpointLimit(1), NOON))
          .isInstanceOf(Create.class);
    }

    private static BitmapObservation foreign(String uid) {
      return new BitmapObservation(
          "vmcp-%s.attempt.vdb".formatted(uid),
          GRANULARITY,
          0,
          true,
          true,
          false,
          false,
          Optional.of(false));
    }

    @Test
    void granularityAndBarrierAreAsTheSpecSays() {
      Checkpoint unflushed = checkpoint(unflushed(), Cases.UNTOUCHED);

      assertThat(create(unflushed).request())
          .isEqualTo(
              new EnsureRequest(
                  List.of("vda"), Optional.of(4096L), Barrier.None, Optional.of(NONE)));
    }

    @Test
    void theSidecarIsToldWhichBitmapsTheDecisionKnewOf() {
      Seen leftover = seen(disk("vda", bitmap("vda")), disk("vdb"));

      Decision decision = Cases.decide(fresh(), leftover, List.of(), NOON);

      assertThat(((Create) decision).request().observed())
          .contains(BitmapsDigest.of(leftover.machine(), new CheckpointUid(fresh().uid())))
          .get()
          .isNotEqualTo(NONE);
    }

    @Test
    void disksThatCannotBeSelectedAreSaidAndNothingIsAskedFor() {
      VirtualMachineCheckpointStatus status =
          reported(fresh(), seen(ineligible("vda", Reason.Qcow2V2, true)));

      assertCondition(status, ConditionType.Ready, Status.False, Reason.DiskIneligible);
      assertCondition(status, ConditionType.Stalled, Status.True, Reason.DiskIneligible);
      assertThat(status.virtualMachine()).isEqualTo(PLACE);
    }

    @Test
    void aMachineThatWasNotSeenIsSaidAndNothingIsAskedFor() {
      VirtualMachineCheckpointStatus status = reported(fresh(), unseen(Reason.MonitorBusy));

      assertCondition(status, ConditionType.Ready, Status.False, Reason.MonitorBusy);
      assertCondition(status, ConditionType.Valid, Status.Unknown, Reason.NotEstablished);
      assertCondition(status, ConditionType.Reconciling, Status.True, Reason.MonitorBusy);
      assertThat(condition(status, ConditionType.Stalled)).isEmpty();
      assertThat(status.creationTime()).isNull();
      assertThat(status.observedGeneration()).isEqualTo(1);
      assertThat(status.summary()).isEqualTo(new Summary(Reason.MonitorBusy, null, null));
    }

    @ParameterizedTest
    @EnumSource(
        value = Reason.class,
        names = {
          "VirtualMachineNotFound",
          "AmbiguousVirtualMachine",
          "NoMonitorVolume",
          "MonitorPermissionDenied"
        })
    void whatOnlySomebodyElseCanCureStalls(Reason reason) {
      VirtualMachineCheckpointStatus status = reported(fresh(), unseen(reason));

      assertCondition(status, ConditionType.Stalled, Status.True, reason);
      assertThat(condition(status, ConditionType.Reconciling)).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(
        value = Reason.class,
        names = {
          "VirtualMachineNotRunning",
          "GuestNotRunning",
          "Migrating",
          "NoSidecar",
          "SidecarUnreachable",
          "MonitorNotListening"
        })
    void whatMayPassByItselfIsBeingReconciled(Reason reason) {
      VirtualMachineCheckpointStatus stalled = reported(fresh(), unseen(Reason.NoMonitorVolume));

      VirtualMachineCheckpointStatus status = reported(saying(fresh(), stalled), unseen(reason));

      assertCondition(status, ConditionType.Reconciling, Status.True, reason);
      assertThat(condition(status, ConditionType.Stalled)).isEmpty();
    }

    @Test
    void theSameAgainIsTheSameStatus() {
      VirtualMachineCheckpointStatus first = reported(fresh(), unseen(Reason.NoSidecar));

      assertThat(Cases.decide(saying(fresh(), first), unseen(Reason.NoSidecar), List.of(), LATER))
          .isEqualTo(new Report(first));
    }

    @Test
    void anotherReasonKeepsTheTimeSinceWhenItIsNotReady() {
      VirtualMachineCheckpointStatus first = reported(fresh(), unseen(Reason.NoSidecar));

      Decision second =
          Cases.decide(saying(fresh(), first), unseen(Reason.MonitorBusy), List.of(), LATER);

      assertThat(((Report) second).status().conditions())
          .extracting(Condition::lastTransitionTime)
          .containsOnly(NOON);
    }

    @Test
    void aProbeIsAnsweredByTheHonestStatus() {
      VirtualMachineCheckpointStatus status =
          reported(probed(fresh(), "p1"), unseen(Reason.NoSidecar));

      assertThat(status.lastHandledProbeAt()).isEqualTo("p1");
    }
  }

  @Nested
  class OnceTheSidecarHasAnswered {
    @Test
    void theTimeInWholeSecondsIsNotBeforeTheAnswer() {
      VirtualMachineCheckpointStatus status =
          Decider.created(fresh(), create(fresh()), response("vda"), LATER.plusMillis(300));

      assertThat(status.creationTime()).isEqualTo(LATER.plusSeconds(1));
    }

    @Test
    void oneStatusSaysReadyWithTimeBitmapsAndEpochs() {
      VirtualMachineCheckpointStatus status =
          Decider.created(fresh(), create(fresh()), response("vda"), LATER);

      assertThat(status.creationTime()).isEqualTo(LATER);
      assertCondition(status, ConditionType.Ready, Status.True, Reason.Established);
      assertCondition(status, ConditionType.Valid, Status.True, Reason.Recording);
      assertThat(status.disks())
          .singleElement()
          .satisfies(
              disk -> {
                assertThat(disk.state()).isEqualTo(DiskState.Recording);
                assertThat(disk.bitmap()).isEqualTo(bitmapOf("vda"));
                assertThat(disk.epoch()).isEqualTo("e7");
              });
      assertThat(status.virtualMachine()).isEqualTo(PLACE);
      assertThat(status.summary()).isEqualTo(new Summary(Reason.Recording, "1/1", "0"));
    }

    @Test
    void nothingOfTheWayThereStaysBehind() {
      Checkpoint waiting = saying(fresh(), reported(fresh(), unseen(Reason.NoMonitorVolume)));

      VirtualMachineCheckpointStatus status =
          Decider.created(waiting, create(waiting), response("vda"), LATER);

      assertThat(status.conditions()).extracting(Condition::type).containsExactly("Ready", "Valid");
    }

    @Test
    void skippedDisksAreListed() {
      Checkpoint skipping = checkpoint(skipping(), Cases.UNTOUCHED);
      Create create =
          (Create)
              Cases.decide(
                  skipping,
                  seen(disk("vda"), ineligible("vdb", Reason.NotQcow2, true)),
                  List.of(),
                  NOON);

      VirtualMachineCheckpointStatus status =
          Decider.created(skipping, create, response("vda"), LATER);

      assertThat(status.skippedDisks())
          .extracting(SkippedDisk::name, SkippedDisk::reason)
          .containsExactly(tuple("vdb", Reason.NotQcow2));
    }

    @Test
    void withoutABarrierItIsEstablishedUnflushed() {
      Checkpoint unflushed = checkpoint(unflushed(), Cases.UNTOUCHED);

      VirtualMachineCheckpointStatus status =
          Decider.created(
              unflushed,
              create(unflushed),
              new EnsureResponse(List.of(created("vda")), false, false),
              LATER);

      assertCondition(status, ConditionType.Ready, Status.True, Reason.EstablishedUnflushed);
    }

    @Test
    void anAnswerWithoutTheFlushThatWasAskedForEstablishesNothing() {
      VirtualMachineCheckpointStatus status =
          Decider.created(
              fresh(),
              create(fresh()),
              new EnsureResponse(List.of(created("vda")), false, false),
              LATER);

      assertNotEstablished(status, Reason.FlushPending);
    }

    @Test
    void anAnswerForOtherDisksEstablishesNothing() {
      assertNotEstablished(
          Decider.created(fresh(), create(fresh()), response("vda", "vdb"), LATER),
          Reason.SidecarFailed);
    }

    @Test
    void anAnswerWithABitmapOfAnotherCheckpointEstablishesNothing() {
      Checkpoint other =
          new Checkpoint("ffff", 1, fresh().spec(), fresh().status(), Optional.empty());

      assertNotEstablished(
          Decider.created(other, create(other), response("vda"), LATER), Reason.SidecarFailed);
    }

    @Test
    void aFailureIsSaidOfTheCheckpointAndOfEachDisk() {
      VirtualMachineCheckpointStatus status =
          Decider.notCreated(
              fresh(), create(fresh()), new Trouble(Reason.Refused, "QEMU said no"), LATER);

      assertNotEstablished(status, Reason.Refused);
      assertThat(status.disks())
          .containsExactly(Disk.pending("vda", Reason.Refused, "QEMU said no"));
      assertThat(status.summary()).isEqualTo(new Summary(Reason.Refused, "0/1", null));
    }

    @Test
    void thatBitmapsMayHaveBeenMadeIsNotForgottenWhenTheMachineIsLostFromSight() {
      VirtualMachineCheckpointStatus unsure =
          Decider.notCreated(
              fresh(), create(fresh()), new Trouble(Reason.OutcomeUnknown, "no answer"), LATER);

      VirtualMachineCheckpointStatus later =
          reported(saying(fresh(), unsure), unseen(Reason.SidecarUnreachable));

      assertThat(later.disks()).isEqualTo(unsure.disks());
    }

    private void assertNotEstablished(VirtualMachineCheckpointStatus status, Reason reason) {
      assertCondition(status, ConditionType.Ready, Status.False, reason);
      assertThat(status.established()).isFalse();
      assertThat(status.disks()).allSatisfy(disk -> assertThat(disk.bitmap()).isNull());
    }
  }

  @Nested
  class OnceItIsEstablished {
    @ParameterizedTest
    @EnumSource(
        value = Reason.class,
        names = {"VirtualMachineNotFound", "NoSidecar", "Migrating"})
    void itStaysReadyWhileItsMachineCannotBeSeen(Reason reason) {
      VirtualMachineCheckpointStatus status =
          reported(established(recorded("vda")), unseen(reason));

      assertCondition(status, ConditionType.Ready, Status.True, Reason.Established);
      assertCondition(status, ConditionType.Valid, Status.Unknown, Reason.DisksUnknown);
      assertThat(condition(status, ConditionType.Valid).orElseThrow().message())
          .contains("vda")
          .contains(reason.name());
    }

    @Test
    void nothingIsEverAskedForAgain() {
      assertThat(Cases.decide(established(recorded("vda")), seen(disk("vda")), List.of(), NOON))
          .isInstanceOf(Report.class);
    }

    @Test
    void itIsValidWhileEveryDiskIsRecording() {
      VirtualMachineCheckpointStatus status =
          reported(
              established(recorded("vda"), recorded("vdb")),
              seen(disk("vda", bitmap("vda")), disk("vdb", bitmap("vdb"))));

      assertCondition(status, ConditionType.Valid, Status.True, Reason.Recording);
      assertThat(status.summary()).isEqualTo(new Summary(Reason.Recording, "2/2", "1.2Mi"));
      assertThat(status.creationTime()).isEqualTo(NOON);
    }

    @Test
    void oneLostDiskMakesItInvalidAndNotReadyAndLeavesTheOthersUsable() {
      VirtualMachineCheckpointStatus status =
          reported(
              established(recorded("vda"), recorded("vdb")),
              seen(disk("vda"), disk("vdb", bitmap("vdb"))));

      assertCondition(status, ConditionType.Ready, Status.False, Reason.DisksLost);
      assertCondition(status, ConditionType.Valid, Status.False, Reason.DisksLost);
      assertCondition(status, ConditionType.Stalled, Status.True, Reason.DisksLost);
      assertThat(status.disks())
          .extracting(Disk::state)
          .containsExactly(DiskState.Lost, DiskState.Recording);
      assertThat(condition(status, ConditionType.Valid).orElseThrow().message())
          .contains("vda")
          .doesNotContain("vdb");
      assertThat(status.summary())
          .satisfies(summary -> assertThat(summary).extracting("disks").isEqualTo("1/2"));
    }

    @Test
    void aLostDiskOutweighsAnUnknownOne() {
      VirtualMachineCheckpointStatus status =
          reported(established(recorded("vda"), recorded("vdb")), seen(disk("vda")));

      assertCondition(status, ConditionType.Valid, Status.False, Reason.DisksLost);
    }

    @Test
    void lostStaysLostWhenTheMachineIsGone() {
      Checkpoint checkpoint = established(recorded("vda"));
      VirtualMachineCheckpointStatus lost = reported(checkpoint, seen(disk("vda")));

      Decision later =
          Cases.decide(
              saying(checkpoint, lost), unseen(Reason.VirtualMachineNotFound), List.of(), LATER);

      assertThat(later).isEqualTo(new Report(lost));
    }

    @Test
    void theSameLookAgainIsTheSameStatus() {
      Checkpoint checkpoint = established(recorded("vda"));
      Observation look = seen(disk("vda", bitmap("vda")));
      VirtualMachineCheckpointStatus first = reported(checkpoint, look);

      assertThat(Cases.decide(saying(checkpoint, first), look, List.of(), LATER))
          .isEqualTo(new Report(first));
    }

    @Test
    void readyKeepsItsTimeWhenItsMachineComesAndGoes() {
      Checkpoint checkpoint = established(recorded("vda"));
      Observation look = seen(disk("vda", bitmap("vda")));
      VirtualMachineCheckpointStatus first = reported(checkpoint, look);

      VirtualMachineCheckpointStatus second =
          ((Report)
                  Cases.decide(
                      saying(checkpoint, first), unseen(Reason.NoSidecar), List.of(), LATER))
              .status();

      assertThat(condition(second, ConditionType.Ready))
          .isEqualTo(condition(first, ConditionType.Ready));
      assertThat(condition(second, ConditionType.Valid).orElseThrow().lastTransitionTime())
          .isEqualTo(LATER);
    }

    @Test
    void whereTheMachineWasLastSeenStays() {
      assertThat(reported(established(recorded("vda")), Cases.gone()).virtualMachine())
          .isEqualTo(PLACE);
    }
  }

  private static VirtualMachineCheckpointStatus reported(
      Checkpoint checkpoint, Observation observation) {
    Decision decision = Cases.decide(checkpoint, observation, List.of(), NOON);
    assertThat(decision).isInstanceOf(Report.class);
    return ((Report) decision).status();
  }

  private static Create create(Checkpoint checkpoint) {
    return (Create) Cases.decide(checkpoint, seen(disk("vda")), List.of(), NOON);
  }

  private static EnsureResponse response(String... disks) {
    return new EnsureResponse(Arrays.stream(disks).map(DeciderTest::created).toList(), false, true);
  }

  private static CheckpointDisk created(String disk) {
    return new CheckpointDisk(
        disk, bitmapOf(disk), "e7", disk + "-format", image(disk), Cases.SIZE, 65_536, 0);
  }

  private static Optional<Condition> condition(
      VirtualMachineCheckpointStatus status, ConditionType type) {
    return new Conditions(status.conditions()).get(type);
  }

  private static void assertCondition(
      VirtualMachineCheckpointStatus status, ConditionType type, Status wanted, Reason reason) {
    assertThat(condition(status, type))
        .hasValueSatisfying(
            condition -> {
              assertThat(condition.status()).isEqualTo(wanted);
              assertThat(condition.reason()).isEqualTo(reason.name());
            });
  }
}
