package dev.vmcheckpoint.controller.decide;

import static dev.vmcheckpoint.controller.decide.Cases.SIZE;
import static dev.vmcheckpoint.controller.decide.Cases.bitmap;
import static dev.vmcheckpoint.controller.decide.Cases.bitmapOf;
import static dev.vmcheckpoint.controller.decide.Cases.epoch;
import static dev.vmcheckpoint.controller.decide.Cases.established;
import static dev.vmcheckpoint.controller.decide.Cases.establishedStatus;
import static dev.vmcheckpoint.controller.decide.Cases.fileOf;
import static dev.vmcheckpoint.controller.decide.Cases.fresh;
import static dev.vmcheckpoint.controller.decide.Cases.image;
import static dev.vmcheckpoint.controller.decide.Cases.ineligible;
import static dev.vmcheckpoint.controller.decide.Cases.open;
import static dev.vmcheckpoint.controller.decide.Cases.recorded;
import static dev.vmcheckpoint.controller.decide.Cases.reopened;
import static dev.vmcheckpoint.controller.decide.Cases.seen;
import static dev.vmcheckpoint.controller.decide.Cases.unseen;
import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.api.DiskState;
import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Disk;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Image;
import dev.vmcheckpoint.controller.decide.Observation.Seen;
import dev.vmcheckpoint.controller.decide.Tidying.Nothing;
import dev.vmcheckpoint.controller.decide.Tidying.RemoveBitmap;
import dev.vmcheckpoint.controller.decide.Tidying.RemoveMarkers;
import dev.vmcheckpoint.node.BitmapObservation;
import dev.vmcheckpoint.node.EpochRequest;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

final class TidyingTest {
  private static final String MACHINE = "db-0";
  private static final Disk LOST =
      recorded("vda").judged(DiskState.Lost, Reason.BitmapInconsistent, "it is broken");

  @Nested
  class Bitmaps {
    @Test
    void whatIsLeftOfALostDiskIsRemoved() {
      Seen seen = seen(reopened("vda", bitmap("vda")));

      assertThat(tidy(established(LOST), seen)).isEqualTo(new RemoveBitmap(seen, bitmapOf("vda")));
    }

    @Test
    void whatADiskThatIsNotLostReliesOnStays() {
      Seen seen = seen(reopened("vda", bitmap("vda")), reopened("vdb", bitmap("vdb")));
      Disk unknown = recorded("vdb").judged(DiskState.Unknown, Reason.Busy, "it is busy");

      assertThat(tidy(established(recorded("vda"), unknown), seen)).isEqualTo(new Nothing());
    }

    @Test
    void alsoWhereItIsOnAnotherDevice() {
      assertThat(tidy(established(LOST, recorded("vdb")), seen(reopened("vda", bitmap("vdb")))))
          .isEqualTo(new Nothing());
    }

    @Test
    void whatACreationMadeThatCameTooLateIsRemoved() {
      String late = bitmapOf("vda").replace("attempt", "later");
      Seen seen = seen(reopened("vda", bitmap("vda"), named(late)));

      assertThat(tidy(established(recorded("vda")), seen)).isEqualTo(new RemoveBitmap(seen, late));
    }

    @Test
    void bitmapsOfOtherCheckpointsStay() {
      assertThat(
              tidy(
                  established(recorded("vda")),
                  seen(
                      reopened(
                          "vda",
                          bitmap("vda"),
                          named("vmcp-ffffffff-0000-4000-8000-000000000002.attempt.vda"),
                          named("backup-1")))))
          .isEqualTo(new Nothing());
    }

    @Test
    void aNameThatNoSidecarGivesStays() {
      assertThat(
              tidy(
                  established(recorded("vda")),
                  seen(reopened("vda", bitmap("vda"), named("vmcp-%s.x".formatted(Cases.UID))))))
          .isEqualTo(new Nothing());
    }

    @Test
    void aBusyOneIsRemovedLater() {
      BitmapObservation busy =
          new BitmapObservation(
              bitmapOf("vda"), 65_536, 0, true, true, true, false, Optional.of(false));

      assertThat(tidy(established(LOST), seen(reopened("vda", busy)))).isEqualTo(new Nothing());
    }

    @Test
    void anImageThatIsNotActiveHereIsNotTouched() {
      assertThat(tidy(established(LOST), seen(ineligible("vda", Reason.Inactive, true))))
          .isEqualTo(new Nothing());
    }

    @Test
    void aMachineThatIsNotSeenIsNotTouched() {
      assertThat(tidy(established(LOST), unseen(Reason.Migrating))).isEqualTo(new Nothing());
    }

    @Test
    void beforeItIsEstablishedTheCreationTidiesUp() {
      assertThat(tidy(fresh(), seen(reopened("vda", bitmap("vda"))))).isEqualTo(new Nothing());
    }
  }

  @Nested
  class OfMarkers {
    private final Seen renewed =
        seen(reopened("vda", bitmap("vda"), epoch("d9"), epoch("e0"), open("e0")));
    private final List<ObsoleteMarker> replaced =
        List.of(new ObsoleteMarker("vda", fileOf("vda"), "d9"));

    @Test
    void aReplacedOneIsRemovedOnceNobodyReliesOnIt() {
      assertThat(tidy(recorded("vda"), renewed, replaced, recorded("vda")))
          .isEqualTo(new RemoveMarkers(MACHINE, renewed, removal("d9")));
    }

    @Test
    void oneThatThisOperatorDidNotReplaceStays() {
      assertThat(tidy(recorded("vda"), renewed, List.of(), recorded("vda")))
          .isEqualTo(new Nothing());
    }

    @Test
    void oneThatAnotherCheckpointReliesOnStays() {
      assertThat(tidy(recorded("vda"), renewed, replaced, recorded("vda"), on("vda", "d9")))
          .isEqualTo(new Nothing());
    }

    @Test
    void alsoIfThatIsOfAnotherMachine() {
      Tidying tidying =
          Tidying.decide(
              established(recorded("vda")),
              renewed,
              replaced,
              () -> List.of(new OnRecord("uid", Cases.NOON, "other", on("vda", "d9"))));

      assertThat(tidying).isEqualTo(new Nothing());
    }

    @Test
    void aLostDiskReliesOnNothing() {
      assertThat(
              tidy(
                  recorded("vda"),
                  renewed,
                  replaced,
                  on("vda", "d9").judged(DiskState.Lost, Reason.BitmapMissing, "gone")))
          .isInstanceOf(RemoveMarkers.class);
    }

    @Test
    void whileADiskOfTheImageIsNotYetCarriedOverAllStay() {
      Disk onOverlay =
          recorded("vda", "n0", new Image("/disks/top.qcow2", List.of(fileOf("vda")), null));

      assertThat(tidy(recorded("vda"), renewed, replaced, on("vda", "n0")))
          .isEqualTo(new Nothing());
      assertThat(tidy(recorded("vda"), renewed, replaced, onOverlay)).isEqualTo(new Nothing());
    }

    @Test
    void aDiskThatIsNotRecordingHasNoneRemoved() {
      Disk unknown = recorded("vda").judged(DiskState.Unknown, Reason.Busy, "it is busy");

      assertThat(tidy(unknown, renewed, replaced)).isEqualTo(new Nothing());
    }

    @Test
    void norHasOneInAnotherOpening() {
      Seen reopenedSince = seen(reopened("vda", bitmap("vda"), epoch("d9"), epoch("e0")));

      assertThat(tidy(recorded("vda"), reopenedSince, replaced)).isEqualTo(new Nothing());
    }

    @Test
    void norHasAnotherImage() {
      Seen moved =
          seen(
              reopened(
                  "vda", image("vdx"), SIZE, bitmap("vda"), epoch("d9"), epoch("e0"), open("e0")));

      assertThat(tidy(recorded("vda"), moved, replaced)).isEqualTo(new Nothing());
    }

    @Test
    void oneThatIsNotThereIsNotAskedFor() {
      Seen clean = seen(reopened("vda", bitmap("vda"), epoch("e0"), open("e0")));

      assertThat(tidy(recorded("vda"), clean, replaced)).isEqualTo(new Nothing());
    }

    @Test
    void thePresentOpeningsOwnStays() {
      assertThat(
              tidy(
                  recorded("vda"),
                  renewed,
                  List.of(new ObsoleteMarker("vda", fileOf("vda"), "e0")),
                  recorded("vda")))
          .isEqualTo(new Nothing());
    }

    @Test
    void whatTheApiServerKnowsMoreThanTheCacheIsLeftOut() {
      RemoveMarkers decided = new RemoveMarkers(MACHINE, renewed, removal("d8", "d9"));

      assertThat(decided.unless(List.of(new OnRecord("uid", Cases.NOON, "other", on("vdz", "d8")))))
          .isEqualTo(Optional.of(new RemoveMarkers(MACHINE, renewed, removal("d9"))));
    }

    private EpochRequest removal(String... ids) {
      return new EpochRequest(
          List.of(new EpochRequest.Disk("vda", "e0", List.of(), List.of(ids), false)));
    }
  }

  @Nested
  class WhatBecomesUseless {
    @Test
    void isTheMarkerThatAnotherTookThePlaceOf() {
      assertThat(
              Tidying.replaced(
                  establishedStatus(recorded("vda"), recorded("vdb")),
                  establishedStatus(on("vda", "e1"), recorded("vdb"))))
          .containsExactly(new ObsoleteMarker("vda", fileOf("vda"), "e0"));
    }

    @Test
    void isOneInTheImageUnderAnOverlayOnceThatIsActiveAgain() {
      Disk onOverlay =
          recorded("vda", "e1", new Image("/disks/top.qcow2", List.of(fileOf("vda")), null));

      assertThat(Tidying.replaced(establishedStatus(recorded("vda")), establishedStatus(onOverlay)))
          .containsExactly(new ObsoleteMarker("vda", fileOf("vda"), "e0"));
    }

    @Test
    void isABrokenOneOfALostDisk() {
      assertThat(
              Tidying.broken(
                  established(LOST), seen(reopened("vda", bitmap("vda"), epoch("e0", true)))))
          .containsExactly(new ObsoleteMarker("vda", fileOf("vda"), "e0"));
    }

    @Test
    void isNotAWholeOneOfALostDiskNorABrokenOneOfAnother() {
      assertThat(Tidying.broken(established(LOST), seen(reopened("vda", epoch("e0"))))).isEmpty();
      assertThat(
              Tidying.broken(
                  established(recorded("vda")), seen(reopened("vda", epoch("e0", true)))))
          .isEmpty();
      assertThat(Tidying.broken(established(LOST), unseen(Reason.Migrating))).isEmpty();
    }
  }

  private static Disk on(String disk, String epoch) {
    return recorded(disk, epoch, recorded(disk).image());
  }

  private static BitmapObservation named(String name) {
    return new BitmapObservation(name, 65_536, 0, true, true, false, false, Optional.of(false));
  }

  private static Tidying tidy(Checkpoint checkpoint, Observation observation) {
    return Tidying.decide(checkpoint, observation, List.of(), List::of);
  }

  private static Tidying tidy(
      Disk recorded, Seen seen, List<ObsoleteMarker> obsolete, Disk... all) {
    return Tidying.decide(
        established(recorded),
        seen,
        obsolete,
        () ->
            List.of(all).stream()
                .map(disk -> new OnRecord(Cases.UID, Cases.NOON, MACHINE, disk))
                .toList());
  }
}
