package dev.vmcheckpoint.controller.decide;

import static dev.vmcheckpoint.controller.decide.Cases.LATER;
import static dev.vmcheckpoint.controller.decide.Cases.NOON;
import static dev.vmcheckpoint.controller.decide.Cases.UNTOUCHED;
import static dev.vmcheckpoint.controller.decide.Cases.bitmap;
import static dev.vmcheckpoint.controller.decide.Cases.disk;
import static dev.vmcheckpoint.controller.decide.Cases.established;
import static dev.vmcheckpoint.controller.decide.Cases.fresh;
import static dev.vmcheckpoint.controller.decide.Cases.recorded;
import static dev.vmcheckpoint.controller.decide.Cases.saying;
import static dev.vmcheckpoint.controller.decide.Cases.seen;
import static dev.vmcheckpoint.controller.decide.Cases.unseen;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus;
import java.util.List;
import org.junit.jupiter.api.Test;

final class TransitionsTest {
  private final Checkpoint checkpoint = established(recorded("vda"));
  private final VirtualMachineCheckpointStatus recording =
      said(checkpoint, seen(disk("vda", bitmap("vda"))));
  private final VirtualMachineCheckpointStatus unknown =
      said(saying(checkpoint, recording), unseen(Reason.NoSidecar));

  @Test
  void whyACheckpointIsNotReadyIsAWarning() {
    assertThat(Transitions.between(UNTOUCHED, said(fresh(), unseen(Reason.NoMonitorVolume))))
        .containsExactly(Announcement.warning(Reason.NoMonitorVolume, "it is NoMonitorVolume"));
  }

  @Test
  void beingEstablishedIsToldOnceAndNotAlsoAsValid() {
    assertThat(Transitions.between(UNTOUCHED, recording))
        .singleElement()
        .satisfies(
            told -> {
              assertThat(told.reason()).isEqualTo(Reason.Established);
              assertThat(told.isWarning()).isFalse();
            });
  }

  @Test
  void losingSightIsAWarningAndSeeingAgainIsNot() {
    assertThat(Transitions.between(recording, unknown))
        .extracting(Announcement::reason, Announcement::isWarning)
        .containsExactly(tuple(Reason.DisksUnknown, true));
    assertThat(Transitions.between(unknown, recording))
        .extracting(Announcement::reason, Announcement::isWarning)
        .containsExactly(tuple(Reason.Recording, false));
  }

  @Test
  void aLostDiskIsToldOnceThoughItTurnsTwoConditions() {
    VirtualMachineCheckpointStatus lost = said(saying(checkpoint, recording), seen(disk("vda")));

    assertThat(Transitions.between(recording, lost))
        .extracting(Announcement::reason, Announcement::isWarning)
        .containsExactly(tuple(Reason.DisksLost, true));
  }

  @Test
  void aFurtherDiskThatIsLostIsToldThoughNoConditionTurns() {
    Checkpoint of2 = established(recorded("vda"), recorded("vdb"));
    VirtualMachineCheckpointStatus one = said(of2, seen(disk("vda"), disk("vdb", bitmap("vdb"))));
    VirtualMachineCheckpointStatus both = said(saying(of2, one), seen(disk("vda"), disk("vdb")));

    assertThat(Transitions.between(one, both))
        .containsExactly(
            Announcement.warning(
                Reason.DisksLost, "disk vdb: BitmapMissing: the bitmap is not there any more"));
  }

  @Test
  void aMigrationIsNoCauseForConcern() {
    assertThat(Transitions.between(UNTOUCHED, said(fresh(), unseen(Reason.Migrating))))
        .extracting(Announcement::isWarning)
        .containsExactly(false);
  }

  @Test
  void anotherMessageForTheSameReasonIsNotTold() {
    VirtualMachineCheckpointStatus otherwise =
        said(saying(checkpoint, unknown), unseen(Reason.MonitorBusy));

    assertThat(otherwise).isNotEqualTo(unknown);
    assertThat(Transitions.between(unknown, otherwise)).isEmpty();
  }

  @Test
  void thatADeletionHasToWaitIsToldOnce() {
    VirtualMachineCheckpointStatus deleting = new Statuses(checkpoint, NOON).deleting("busy");

    assertThat(Transitions.between(checkpoint.status(), deleting))
        .containsExactly(Announcement.warning(Reason.Deleting, "busy"));
    assertThat(
            Transitions.between(
                deleting, new Statuses(saying(checkpoint, deleting), LATER).deleting("still")))
        .isEmpty();
  }

  private static VirtualMachineCheckpointStatus said(
      Checkpoint checkpoint, Observation observation) {
    return ((Decision.Report) Cases.decide(checkpoint, observation, List.of(), NOON)).status();
  }
}
