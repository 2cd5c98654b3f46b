package dev.vmcheckpoint.controller.decide;

import static dev.vmcheckpoint.controller.decide.Cases.LATER;
import static dev.vmcheckpoint.controller.decide.Cases.NOON;
import static dev.vmcheckpoint.controller.decide.Cases.bitmapOf;
import static dev.vmcheckpoint.controller.decide.Cases.disk;
import static dev.vmcheckpoint.controller.decide.Cases.established;
import static dev.vmcheckpoint.controller.decide.Cases.fileOf;
import static dev.vmcheckpoint.controller.decide.Cases.fresh;
import static dev.vmcheckpoint.controller.decide.Cases.gone;
import static dev.vmcheckpoint.controller.decide.Cases.image;
import static dev.vmcheckpoint.controller.decide.Cases.machine;
import static dev.vmcheckpoint.controller.decide.Cases.recorded;
import static dev.vmcheckpoint.controller.decide.Cases.saying;
import static dev.vmcheckpoint.controller.decide.Cases.seen;
import static dev.vmcheckpoint.controller.decide.Cases.unseen;
import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.api.ConditionType;
import dev.vmcheckpoint.api.Conditions;
import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.controller.decide.Deletion.Creation;
import dev.vmcheckpoint.controller.decide.Deletion.LeaveBehind;
import dev.vmcheckpoint.controller.decide.Deletion.Release;
import dev.vmcheckpoint.controller.decide.Deletion.Remove;
import dev.vmcheckpoint.controller.decide.Deletion.Request;
import dev.vmcheckpoint.controller.decide.Deletion.Wait;
import dev.vmcheckpoint.controller.decide.Observation.Seen;
import dev.vmcheckpoint.controller.decide.Troubles.Trouble;
import dev.vmcheckpoint.node.RemoveResponse;
import dev.vmcheckpoint.node.RemoveResponse.Below;
import dev.vmcheckpoint.node.RemoveResponse.Removed;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class DeletionTest {
  private static final Duration TIMEOUT = Duration.ofMinutes(10);
  private static final Instant TOO_LATE = NOON.plus(TIMEOUT);
  private static final Request ESTABLISHED =
      request(established(recorded("vda")), Creation.NEVER_SENT);
  private static final Leftover.Bitmap LEFT =
      new Leftover.Bitmap("vda", fileOf("vda"), bitmapOf("vda"));
  private static final Request NEVER_MADE = request(fresh(), Creation.NEVER_SENT);

  @Test
  void theBitmapsOfAMachineThatIsSeenAreRemoved() {
    Seen seen = seen(disk("vda"));

    assertThat(Deletion.decide(ESTABLISHED, seen, LATER)).isEqualTo(new Remove(seen));
  }

  @Test
  void thoseThatTheStatusKnowsNothingOfAreRemovedToo() {
    Seen seen = seen(disk("vda"));

    assertThat(Deletion.decide(NEVER_MADE, seen, LATER)).isEqualTo(new Remove(seen));
  }

  @Test
  void withoutAPodOfTheMachineTheResourceGoesAtOnceAndSaysSo() {
    assertLeftBehind(Deletion.decide(ESTABLISHED, gone(), LATER), LEFT);
  }

  @Test
  void aMachineThatCannotBeSeenNowIsWaitedFor() {
    Deletion deletion = Deletion.decide(ESTABLISHED, unseen(Reason.Migrating), LATER);

    assertThat(deletion)
        .isInstanceOfSatisfying(
            Wait.class,
            wait ->
                assertThat(
                        new Conditions(wait.status().conditions()).get(ConditionType.Reconciling))
                    .hasValueSatisfying(
                        condition -> {
                          assertThat(condition.reason()).isEqualTo("Deleting");
                          assertThat(condition.message()).contains("Migrating");
                        }));
  }

  @Test
  void butNotLongerThanTheBound() {
    assertLeftBehind(Deletion.decide(ESTABLISHED, unseen(Reason.Migrating), TOO_LATE), LEFT);
  }

  @Test
  void theSameWaitAgainIsTheSameStatus() {
    Wait first = (Wait) Deletion.decide(ESTABLISHED, unseen(Reason.NoSidecar), NOON);
    Request again =
        request(saying(established(recorded("vda")), first.status()), Creation.NEVER_SENT);

    assertThat(Deletion.decide(again, unseen(Reason.NoSidecar), LATER)).isEqualTo(first);
  }

  @Test
  void aResourceForWhichNothingWasMadeGoesAtOnceWithoutAWord() {
    assertThat(Deletion.decide(NEVER_MADE, unseen(Reason.NoSidecar), LATER))
        .isEqualTo(new Release(Optional.empty()));
    assertThat(Deletion.decide(NEVER_MADE, gone(), LATER)).isEqualTo(new Release(Optional.empty()));
  }

  @Test
  void aCreationThatWasSentMayHaveMadeBitmaps() {
    assertThat(Deletion.decide(request(fresh(), Creation.ENDED), unseen(Reason.NoSidecar), LATER))
        .isInstanceOf(Wait.class);
  }

  @Test
  void soMayOneThatAnEarlierLeaderSentWithoutLivingToSaySo() {
    assertThat(
            Deletion.decide(
                request(fresh(), Creation.OF_AN_EARLIER_LEADER), unseen(Reason.NoSidecar), LATER))
        .isInstanceOf(Wait.class);
  }

  @Test
  void soMayOneThatTheStatusTellsOf() {
    Checkpoint unsure =
        saying(
            fresh(),
            Decider.notCreated(
                fresh(),
                (Decision.Create) Cases.decide(fresh(), seen(disk("vda")), List.of(), NOON),
                new Trouble(Reason.OutcomeUnknown, "no answer"),
                NOON));

    assertThat(
            Deletion.decide(request(unsure, Creation.NEVER_SENT), unseen(Reason.NoSidecar), LATER))
        .isInstanceOf(Wait.class);
  }

  @Test
  void aRemovalThatFailsIsTriedAgainWithinTheBound() {
    Trouble busy = new Trouble(Reason.Busy, "a job uses it");

    assertThat(Deletion.notRemoved(ESTABLISHED, busy, LATER)).isInstanceOf(Wait.class);
    assertLeftBehind(Deletion.notRemoved(ESTABLISHED, busy, TOO_LATE), LEFT);
  }

  @Test
  void soIsOneThatWasOvertaken() {
    Seen seen = seen(disk("vda"));

    assertThat(Deletion.overtaken(ESTABLISHED, seen, LATER)).isEqualTo(new Remove(seen));
    assertLeftBehind(Deletion.overtaken(ESTABLISHED, seen, TOO_LATE), LEFT);
  }

  @Test
  void whatWasRemovedIsSaid() {
    assertReleased(
        removed(ESTABLISHED, seen(disk("vda")), new Removed("vda", bitmapOf("vda"))),
        Reason.BitmapsRemoved);
  }

  @Test
  void aBitmapThatIsNotOnItsImageAnyMoreIsAsGoodAsRemoved() {
    assertReleased(removed(ESTABLISHED, seen(disk("vda"))), Reason.BitmapsRemoved);
  }

  @Test
  void aDiskWhoseImageIsNotAttachedKeepsItsBitmap() {
    LeaveBehind left =
        assertLeftBehind(removed(ESTABLISHED, seen(disk("vda", image("vdx"), 512))), LEFT);

    assertThat(left.announcement().message()).contains("vda").contains(fileOf("vda"));
  }

  @Test
  void unlessItWasRemovedFromTheImageThatIsThere() {
    assertReleased(
        removed(
            ESTABLISHED, seen(disk("vda", image("vdx"), 512)), new Removed("vda", bitmapOf("vda"))),
        Reason.BitmapsRemoved);
    assertLeftBehind(
        removed(
            ESTABLISHED, seen(disk("vda", image("vdx"), 512)), new Removed("vdb", bitmapOf("vdb"))),
        LEFT);
  }

  @Test
  void aBitmapInALowerLayerStaysAndIsSaid() {
    Deletion deletion =
        Deletion.removed(
            ESTABLISHED,
            seen(disk("vda")),
            new RemoveResponse(
                List.of(new Removed("vda", bitmapOf("vda"))),
                List.of(new Below("vda", "/disks/base.qcow2", bitmapOf("vda")))));

    LeaveBehind left =
        assertLeftBehind(
            deletion, new Leftover.Bitmap("vda", "/disks/base.qcow2", bitmapOf("vda")));
    assertThat(left.announcement().message()).contains("/disks/base.qcow2");
  }

  @Test
  void whereAnOldQemuMayNotHaveLoadedItsBitmapsAbsenceIsNotBelieved() {
    assertLeftBehind(removed(ESTABLISHED, seen(machine("7.2.22", "paused", disk("vda")))), LEFT);
  }

  @Test
  void whatMayHaveBeenMadeWithoutTheStatusKnowingIsLeftBehindUnnamed() {
    assertLeftBehind(Deletion.decide(request(fresh(), Creation.ENDED), gone(), LATER));
  }

  @Test
  void aBitmapThatWasNotMadeForThisCheckpointIsNotRecorded() {
    Checkpoint copied =
        new Checkpoint(
            "ffff", 1, fresh().spec(), established(recorded("vda")).status(), Optional.empty());

    assertLeftBehind(Deletion.decide(request(copied, Creation.NEVER_SENT), gone(), LATER));
  }

  @Test
  void whatCouldNotBeRecordedIsSaid() {
    Announcement left =
        assertLeftBehind(Deletion.decide(ESTABLISHED, gone(), LATER), LEFT).announcement();

    assertThat(Deletion.unrecorded(left).message()).contains("not recorded").contains("no pod");
  }

  @Test
  void anUnansweredCreationMayBeginAfterTheRemoval() {
    Request unanswered = request(fresh(), Creation.UNANSWERED);

    assertThat(assertLeftBehind(removed(unanswered, seen(disk("vda")))).mayGrow()).isTrue();
    assertThat(
            assertLeftBehind(
                    removed(unanswered, seen(disk("vda")), new Removed("vda", bitmapOf("vda"))))
                .mayGrow())
        .isTrue();
  }

  @Test
  void oneOfAnEarlierLeaderIsRefusedAfterTheRemoval() {
    Request former = request(fresh(), Creation.OF_AN_EARLIER_LEADER);

    assertThat(removed(former, seen(disk("vda")))).isEqualTo(new Release(Optional.empty()));
    assertReleased(
        removed(former, seen(disk("vda")), new Removed("vda", bitmapOf("vda"))),
        Reason.BitmapsRemoved);
  }

  @ParameterizedTest
  @EnumSource(
      value = Creation.class,
      names = {"OF_AN_EARLIER_LEADER", "UNANSWERED"})
  void withoutARemovalBothMayStillBegin(Creation creation) {
    Request request = request(established(recorded("vda")), creation);

    assertThat(assertLeftBehind(Deletion.decide(request, gone(), LATER), LEFT).mayGrow()).isTrue();
  }

  @ParameterizedTest
  @EnumSource(
      value = Creation.class,
      names = {"NEVER_SENT", "ENDED"})
  void noOtherMay(Creation creation) {
    Request request = request(established(recorded("vda")), creation);

    assertThat(assertLeftBehind(Deletion.decide(request, gone(), LATER), LEFT).mayGrow()).isFalse();
  }

  @Test
  void nothingRemovedOfNothingMadeIsNotWorthAWord() {
    assertThat(removed(NEVER_MADE, seen(disk("vda")))).isEqualTo(new Release(Optional.empty()));
  }

  private static Request request(Checkpoint checkpoint, Creation creation) {
    return Request.of(checkpoint, creation, NOON, TIMEOUT);
  }

  private static Deletion removed(Request request, Seen seen, Removed... removed) {
    return Deletion.removed(request, seen, new RemoveResponse(List.of(removed), List.of()));
  }

  private static void assertReleased(Deletion deletion, Reason reason) {
    assertThat(deletion)
        .isInstanceOfSatisfying(
            Release.class,
            release ->
                assertThat(release.announcement())
                    .hasValueSatisfying(
                        said -> {
                          assertThat(said.reason()).isEqualTo(reason);
                          assertThat(said.isWarning()).isFalse();
                        }));
  }

  private static LeaveBehind assertLeftBehind(Deletion deletion, Leftover.Bitmap... bitmaps) {
    assertThat(deletion).isInstanceOf(LeaveBehind.class);
    LeaveBehind left = (LeaveBehind) deletion;
    assertThat(left.announcement().reason()).isEqualTo(Reason.BitmapsLeftBehind);
    assertThat(left.announcement().isWarning()).isTrue();
    assertThat(left.bitmaps()).containsExactly(bitmaps);
    return left;
  }
}
