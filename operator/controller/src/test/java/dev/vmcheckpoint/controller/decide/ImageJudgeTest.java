package dev.vmcheckpoint.controller.decide;

import static dev.vmcheckpoint.controller.decide.Cases.DIRTY;
import static dev.vmcheckpoint.controller.decide.Cases.GRANULARITY;
import static dev.vmcheckpoint.controller.decide.Cases.SIZE;
import static dev.vmcheckpoint.controller.decide.Cases.bitmap;
import static dev.vmcheckpoint.controller.decide.Cases.bitmapOf;
import static dev.vmcheckpoint.controller.decide.Cases.checkpoint;
import static dev.vmcheckpoint.controller.decide.Cases.counting;
import static dev.vmcheckpoint.controller.decide.Cases.epoch;
import static dev.vmcheckpoint.controller.decide.Cases.established;
import static dev.vmcheckpoint.controller.decide.Cases.establishedStatus;
import static dev.vmcheckpoint.controller.decide.Cases.fileOf;
import static dev.vmcheckpoint.controller.decide.Cases.image;
import static dev.vmcheckpoint.controller.decide.Cases.layered;
import static dev.vmcheckpoint.controller.decide.Cases.machine;
import static dev.vmcheckpoint.controller.decide.Cases.open;
import static dev.vmcheckpoint.controller.decide.Cases.recorded;
import static dev.vmcheckpoint.controller.decide.Cases.reopened;
import static dev.vmcheckpoint.controller.decide.Cases.seen;
import static dev.vmcheckpoint.controller.decide.Cases.storedEpoch;
import static dev.vmcheckpoint.controller.decide.Cases.unflushed;
import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.api.DiskState;
import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Disk;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Image;
import dev.vmcheckpoint.controller.decide.Observation.Seen;
import dev.vmcheckpoint.controller.decide.Verdict.Judged;
import dev.vmcheckpoint.controller.decide.Verdict.Renew;
import dev.vmcheckpoint.node.BitmapObservation;
import dev.vmcheckpoint.node.DiskImage;
import dev.vmcheckpoint.node.DiskObservation;
import dev.vmcheckpoint.node.DiskObservation.Layer;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** What an image's history, as its markers tell it, makes of a bitmap that looks perfect. */
final class ImageJudgeTest {
  private static final String BASE = "/disks/base.qcow2";
  private static final String TOP = "/disks/top.qcow2";
  private static final String MOVED = "/disks/moved.qcow2";
  private static final String MIDDLE = "/disks/middle.qcow2";

  @Nested
  class OnTheRecordedImage {
    @Test
    void theRecordedOpeningIsRecording() {
      assertRecording(judge(reopened("vda", bitmap("vda"), epoch("e0"), open("e0"))), "e0");
    }

    @Test
    void whatAStreamMovedThereHasToBeFlushedFirst() {
      assertThat(judge(overLayers(), reopened("vda", bitmap("vda"), epoch("e0"), open("e0"))))
          .isEqualTo(new Renew(overLayers(), "e0", List.of(), true));
    }

    @Test
    void onOtherLayersThatNoJobLeavesItIsLost() {
      for (List<String> others : List.of(List.of(MIDDLE), List.of(MIDDLE, BASE))) {
        DiskImage exchanged = new DiskImage(fileOf("vda"), others, Optional.empty());

        assertLost(
            judge(reopened("vda", exchanged, SIZE, bitmap("vda"), epoch("e0"), open("e0"))),
            Reason.ImageReplaced);
      }
    }

    @Test
    void onFewerLayersOfWhichOneIsAnotherItIsLost() {
      DiskImage exchanged = new DiskImage(fileOf("vda"), List.of(MOVED), Optional.empty());

      assertLost(
          judge(
              overLayers(),
              reopened("vda", exchanged, SIZE, bitmap("vda"), epoch("e0"), open("e0"))),
          Reason.ImageReplaced);
    }

    @Test
    void itIsKnownByItsFileWhereQemuDescribesHowItWasOpened() {
      DiskImage described = new DiskImage(described(BASE), List.of(BASE), Optional.empty());
      DiskImage exchanged = new DiskImage(described(MIDDLE), List.of(MIDDLE), Optional.empty());

      Disk judged =
          assertRecording(
              judge(reopened("vda", described, SIZE, bitmap("vda"), epoch("e0"), open("e0"))),
              "e0");
      assertThat(judged.image()).isEqualTo(new Image(described(BASE), List.of(BASE), null));
      assertLost(
          judge(reopened("vda", exchanged, SIZE, bitmap("vda"), epoch("e0"), open("e0"))),
          Reason.ImageReplaced);
      assertLost(
          judge(reopened("vda", exchanged, SIZE, bitmap("vda"), epoch("e0"))),
          Reason.ImageReplaced);
    }

    private static String described(String backing) {
      return """
      json:{"backing": {"driver": "file", "filename": "%s"}, "driver": "qcow2",
            "file": {"driver": "file", "filename": "%s"}}"""
          .formatted(backing, fileOf("vda"));
    }

    @Test
    void theTransientMarkerAloneProvesNothing() {
      assertLost(judge(reopened("vda", bitmap("vda"), open("e0"))), Reason.RolledBack);
    }

    @Test
    void notWhereCopiesAreReadThroughQemuOnly() {
      assertRecording(
          new DiskJudge(
                  checkpoint(unflushed(), establishedStatus(overLayers())),
                  seen(reopened("vda", bitmap("vda"), epoch("e0"), open("e0"))),
                  Map.of())
              .judge(overLayers()),
          "e0");
    }

    @Test
    void theRecordedOpeningIsMarkedAnewOnceTheImageListsItsMarker() {
      assertRenewed(judge(reopened("vda", bitmap("vda"), storedEpoch("e0"), open("e0"))));
    }

    @Test
    void whereAnotherCheckpointHadItMarkedAnewThatIsRecorded() {
      assertRecording(
          judge(
              reopened(
                  "vda", bitmap("vda"), storedEpoch("e0"), open("e0"), epoch("e1"), open("e1"))),
          "e1");
    }

    @Test
    void aNewOpeningWithTheRecordedMarkerHasToBeCarriedOver() {
      assertRenewed(judge(reopened("vda", bitmap("vda"), epoch("e0"))));
    }

    @Test
    void evenIfAnotherCheckpointHadItMarkedAlready() {
      assertRenewed(judge(reopened("vda", bitmap("vda"), epoch("e0"), epoch("e1"), open("e1"))));
    }

    @Test
    void aNewOpeningWithoutTheRecordedMarkerWentBackInTime() {
      assertLost(judge(reopened("vda", bitmap("vda"))), Reason.RolledBack);
    }

    @Test
    void theMarkerOfAnEarlierOpeningProvesNothing() {
      assertLost(judge(reopened("vda", bitmap("vda"), epoch("d9"))), Reason.RolledBack);
    }

    @Test
    void anOpeningThatAnotherCheckpointHadMarkedProvesNothing() {
      assertLost(judge(reopened("vda", bitmap("vda"), epoch("e1"), open("e1"))), Reason.RolledBack);
    }

    @Test
    void anInconsistentMarkerProvesNothing() {
      assertLost(judge(reopened("vda", bitmap("vda"), epoch("e0", true))), Reason.RolledBack);
    }

    @Test
    void aPersistentBitmapOfTheTransientMarkersNameProvesNothing() {
      BitmapObservation stored =
          new BitmapObservation(
              "vmcp-open.e0", 1L << 31, 0, false, true, false, false, Optional.of(false));

      assertLost(judge(reopened("vda", bitmap("vda"), stored)), Reason.RolledBack);
    }

    @Test
    void aDiskWithoutAMarkerOnRecordCannotBeProven() {
      assertLost(
          judge(
              recorded("vda", null, recorded("vda").image()),
              reopened("vda", bitmap("vda"), epoch("e0"), open("e0"))),
          Reason.RolledBack);
    }

    @Test
    void theReasonOfTheBitmapItselfStands() {
      BitmapObservation broken =
          new BitmapObservation(
              bitmapOf("vda"), GRANULARITY, DIRTY, false, true, false, true, Optional.of(false));

      assertLost(judge(reopened("vda", broken)), Reason.BitmapInconsistent);
      assertLost(judge(reopened("vda")), Reason.BitmapMissing);
    }

    @Test
    void aSmallerDiskIsLostRatherThanCarriedOver() {
      assertLost(
          judge(reopened("vda", image("vda"), SIZE - 512, bitmap("vda"), epoch("e0"))),
          Reason.Shrunk);
    }

    @Test
    void aGrownDiskIsCarriedOver() {
      assertRenewed(judge(reopened("vda", image("vda"), 2 * SIZE, bitmap("vda"), epoch("e0"))));
    }

    @Test
    void aBitmapThatWasClearedWhileTheImageWasClosedIsLost() {
      assertLost(judge(reopened("vda", counting("vda", 0), epoch("e0"))), Reason.Cleared);
    }

    @Test
    void anotherBackingChainInANewOpeningIsLost() {
      DiskImage rebased = new DiskImage(fileOf("vda"), List.of(), Optional.empty());

      assertLost(
          judge(reopened("vda", rebased, SIZE, bitmap("vda"), epoch("e0"))), Reason.ImageReplaced);
    }

    @Test
    void anotherDataFileInANewOpeningIsLost() {
      DiskImage moved = new DiskImage(fileOf("vda"), List.of(BASE), Optional.of("/disks/data.raw"));

      assertLost(
          judge(reopened("vda", moved, SIZE, bitmap("vda"), epoch("e0"))), Reason.ImageReplaced);
    }
  }

  @Nested
  class UnderAnOverlay {
    /** It was below the recorded overlay, which was committed, in this opening. */
    private final Layer committed =
        layer(MOVED, bitmap("vda"), epoch("d9"), open("d9"), open("e0"));

    @Test
    void withoutTheBitmapItCannotBeSeen() {
      assertUnknown(
          judge(onTop(List.of(), layer(fileOf("vda"), bitmap("vda"), epoch("e0"), open("e0")))),
          Reason.OverlayOnTop);
    }

    @Test
    void withTheBitmapCarriedAlongItIsMerged() {
      assertRenewed(
          judge(
              onTop(
                  List.of(counting("vda", 0)),
                  layer(fileOf("vda"), bitmap("vda"), epoch("e0"), open("e0")))),
          bitmapOf("vda"));
    }

    @Test
    void alsoWhereTheOverlayHasBeenClosedSince() {
      assertRenewed(
          judge(
              onTop(List.of(counting("vda", 0)), layer(fileOf("vda"), bitmap("vda"), epoch("e0")))),
          bitmapOf("vda"));
    }

    @Test
    void alsoWhereAnotherCheckpointHadTheOverlayMarked() {
      assertRenewed(
          judge(
              onTop(
                  List.of(counting("vda", 0), epoch("e1"), open("e1")),
                  layer(fileOf("vda"), bitmap("vda"), epoch("e0")))),
          bitmapOf("vda"));
    }

    @Test
    void alsoWhereTheMarkerWasCarriedAlong() {
      assertRenewed(
          judge(
              onTop(List.of(counting("vda", 0), epoch("e0")), layer(fileOf("vda"), bitmap("vda")))),
          bitmapOf("vda"));
    }

    @Test
    void withoutTheRecordedMarkerItWentBackInTime() {
      assertLost(
          judge(onTop(List.of(bitmap("vda")), layer(fileOf("vda"), bitmap("vda"), epoch("d9")))),
          Reason.RolledBack);
    }

    @Test
    void withoutTheBitmapOnTheRecordedImageWhatThatListedIsGone() {
      assertLost(
          judge(onTop(List.of(bitmap("vda")), layer(fileOf("vda"), epoch("e0"), open("e0")))),
          Reason.BitmapMissing);
      assertLost(judge(onTop(List.of(bitmap("vda")))), Reason.BitmapMissing);
    }

    @Test
    void inAnOldQemuThatMayNotHaveLoadedItsBitmapsThatIsNotSeen() {
      Seen paused =
          seen(machine("7.2.22", "paused", onTop(List.of(bitmap("vda")), layer(fileOf("vda")))));

      assertUnknown(judge(recorded("vda"), paused), Reason.GuestNotRunning);
    }

    @Test
    void withABrokenBitmapOnTheRecordedImageItIsLost() {
      BitmapObservation broken =
          new BitmapObservation(
              bitmapOf("vda"), GRANULARITY, DIRTY, false, true, false, true, Optional.of(false));

      assertLost(
          judge(onTop(List.of(bitmap("vda")), layer(fileOf("vda"), broken, epoch("e0")))),
          Reason.BitmapInconsistent);
    }

    @Test
    void withABusyBitmapBelowItIsNotTouched() {
      BitmapObservation busy =
          new BitmapObservation(
              bitmapOf("vda"), GRANULARITY, DIRTY, true, true, true, false, Optional.of(false));

      assertUnknown(
          judge(onTop(List.of(bitmap("vda")), layer(fileOf("vda"), busy, epoch("e0")))),
          Reason.Busy);
    }

    @Test
    void aLayerBetweenWithoutTheBitmapListsNothing() {
      DiskImage two = new DiskImage(TOP, List.of(MIDDLE, fileOf("vda"), BASE), Optional.empty());

      assertUnknown(
          judge(
              layered(
                  "vda",
                  two,
                  SIZE,
                  List.of(bitmap("vda")),
                  List.of(layer(fileOf("vda"), bitmap("vda"), epoch("e0"))))),
          Reason.OverlayOnTop);
    }

    @Test
    void ofSeveralOverlaysThatAllCarryTheBitmapAllAreMerged() {
      DiskImage two = new DiskImage(TOP, List.of(MIDDLE, fileOf("vda"), BASE), Optional.empty());

      assertRenewed(
          judge(
              layered(
                  "vda",
                  two,
                  SIZE,
                  List.of(counting("vda", 0)),
                  List.of(
                      layer(MIDDLE, counting("vda", 0)),
                      layer(fileOf("vda"), bitmap("vda"), epoch("e0"))))),
          bitmapOf("vda"));
    }

    @Test
    void aChainThatChangedFurtherBelowWhileClosedIsLost() {
      DiskImage rebased = new DiskImage(TOP, List.of(fileOf("vda")), Optional.empty());

      assertLost(
          judge(
              layered(
                  "vda",
                  rebased,
                  SIZE,
                  List.of(bitmap("vda")),
                  List.of(layer(fileOf("vda"), bitmap("vda"), epoch("e0"))))),
          Reason.ImageReplaced);
    }

    @Test
    void aChainThatChangedFurtherBelowInTheSameOpeningIsNot() {
      DiskImage committed = new DiskImage(TOP, List.of(fileOf("vda")), Optional.empty());

      assertRenewed(
          judge(
              layered(
                  "vda",
                  committed,
                  SIZE,
                  List.of(bitmap("vda")),
                  List.of(layer(fileOf("vda"), bitmap("vda"), epoch("e0"), open("e0"))))),
          bitmapOf("vda"));
    }

    @Test
    void whatAJobMovedFurtherBelowHasToBeFlushedAsWell() {
      DiskObservation shorter =
          onTop(
              List.of(counting("vda", 0)),
              layer(fileOf("vda"), bitmap("vda"), epoch("e0"), open("e0")));

      assertThat(judge(overLayers(), shorter))
          .isEqualTo(new Renew(overLayers(), "e0", List.of(bitmapOf("vda")), true));
      assertThat(
              new DiskJudge(
                      checkpoint(unflushed(), establishedStatus(overLayers())),
                      seen(shorter),
                      Map.of())
                  .judge(overLayers()))
          .isEqualTo(new Renew(overLayers(), "e0", List.of(bitmapOf("vda")), false));
    }

    @Test
    void aChainThatNoJobLeavesFurtherBelowIsLost() {
      DiskImage exchanged = new DiskImage(TOP, List.of(fileOf("vda"), MIDDLE), Optional.empty());

      assertLost(
          judge(
              layered(
                  "vda",
                  exchanged,
                  SIZE,
                  List.of(bitmap("vda")),
                  List.of(layer(fileOf("vda"), bitmap("vda"), epoch("e0"), open("e0"))))),
          Reason.ImageReplaced);
    }

    @Test
    void aSmallerOverlayIsLost() {
      assertLost(
          judge(
              layered(
                  "vda",
                  overlay(),
                  SIZE - 512,
                  List.of(bitmap("vda")),
                  List.of(layer(fileOf("vda"), bitmap("vda"), epoch("e0"))))),
          Reason.Shrunk);
    }

    @Test
    void oneThatTookTheNameOfTheRecordedImageIsStillAnOverlay() {
      Layer renamed = layer(MOVED, bitmap("vda"), epoch("e0"));

      assertUnknown(judge(ofTheSameName(List.of(), renamed)), Reason.OverlayOnTop);
      assertRenewed(judge(ofTheSameName(List.of(counting("vda", 0)), renamed)), bitmapOf("vda"));
    }

    @Test
    void alsoWhereTheRecordedOneWasCommittedBeforeAndItsNameIsUsedAgain() {
      assertRenewed(judge(ofTheSameName(List.of(counting("vda", 0)), committed)), bitmapOf("vda"));
    }

    @Test
    void anOlderCopyOfTheRecordedOverlayIsNotTakenForOneThatWasMadeAnew() {
      List<BitmapObservation> older = List.of(bitmap("vda"), epoch("d9"));
      DiskImage elsewhere = new DiskImage(TOP, List.of(MOVED, BASE), Optional.empty());

      assertLost(judge(ofTheSameName(older, committed)), Reason.RolledBack);
      assertLost(judge(ofTheSameName(List.of(), committed)), Reason.BitmapMissing);
      assertLost(
          judge(layered("vda", elsewhere, SIZE, older, List.of(committed))), Reason.ImageReplaced);
    }

    @Test
    void anotherImageOfItsNameIsLost() {
      for (Layer other : List.of(layer(MOVED, epoch("e0")), layer(MOVED, bitmap("vda")))) {
        assertLost(judge(ofTheSameName(List.of(), other)), Reason.BitmapMissing);
        assertLost(judge(ofTheSameName(List.of(bitmap("vda")), other)), Reason.RolledBack);
      }
    }

    private DiskObservation ofTheSameName(List<BitmapObservation> bitmaps, Layer lower) {
      DiskImage overlay =
          new DiskImage(fileOf("vda"), List.of(lower.file(), BASE), Optional.empty());
      return layered("vda", overlay, SIZE, bitmaps, List.of(lower));
    }

    private DiskObservation onTop(List<BitmapObservation> bitmaps, Layer... lower) {
      return layered("vda", overlay(), SIZE, bitmaps, List.of(lower));
    }

    private DiskImage overlay() {
      return new DiskImage(TOP, List.of(fileOf("vda"), BASE), Optional.empty());
    }
  }

  @Nested
  class OnTheLayerBelowTheRecordedImage {
    private final Disk onOverlay = recordedOn(TOP, List.of(fileOf("vda"), BASE));

    @Test
    void anOverlayThatWasCommittedWithoutAClosureIsRecordedAnew() {
      Disk judged =
          assertRecording(judge(bitmap("vda"), epoch("d9"), open("e0"), open("d9")), "d9");

      assertThat(judged.image()).isEqualTo(new Image(fileOf("vda"), List.of(BASE), null));
    }

    @Test
    void whatAStreamMovedThereAfterTheCommitHasToBeFlushedFirst() {
      DiskImage streamed = new DiskImage(fileOf("vda"), List.of(), Optional.empty());

      assertThat(
              ImageJudgeTest.judge(
                  onOverlay,
                  reopened(
                      "vda", streamed, SIZE, bitmap("vda"), epoch("d9"), open("e0"), open("d9"))))
          .isEqualTo(new Renew(onOverlay, "e0", List.of(), true));
    }

    @Test
    void whatIsListedFurtherBelowMayHaveBeenMergedIntoTheOverlayOnly() {
      assertRenewed(
          judgeOver(layer(BASE, bitmap("vda")), bitmap("vda"), epoch("d9"), open("e0"), open("d9")),
          bitmapOf("vda"));
      assertRenewed(
          judgeOver(layer(BASE, bitmap("vda")), bitmap("vda"), epoch("e0")), bitmapOf("vda"));
      assertRecording(
          judgeOver(layer(BASE), bitmap("vda"), epoch("d9"), open("e0"), open("d9")), "d9");
    }

    private Verdict judgeOver(Layer lower, BitmapObservation... bitmaps) {
      DiskImage image = new DiskImage(fileOf("vda"), List.of(BASE), Optional.empty());
      return ImageJudgeTest.judge(
          onOverlay, layered("vda", image, SIZE, List.of(bitmaps), List.of(lower)));
    }

    @Test
    void onOtherLayersThatNoJobLeavesItIsLost() {
      DiskImage exchanged = new DiskImage(fileOf("vda"), List.of(MIDDLE), Optional.empty());

      assertLost(
          ImageJudgeTest.judge(
              onOverlay,
              reopened("vda", exchanged, SIZE, bitmap("vda"), epoch("d9"), open("e0"), open("d9"))),
          Reason.ImageReplaced);
    }

    @Test
    void alsoWhereMarkersOfEarlierOpeningsAreLeft() {
      assertRecording(judge(bitmap("vda"), epoch("d8"), open("e0"), epoch("d9"), open("d9")), "d9");
    }

    @Test
    void oneThatWasNotActiveInThisOpeningGetsThePersistentMarkerFirst() {
      assertRenewed(judge(bitmap("vda"), epoch("d9"), open("e0")));
    }

    @Test
    void anOverlayThatWasThrownAwayWentBackInTime() {
      assertLost(judge(bitmap("vda"), epoch("d9")), Reason.RolledBack);
    }

    @Test
    void oneThatWasThrownAwayIsNotTakenForCommittedWhereAnotherCheckpointHadTheOpeningMarked() {
      assertLost(judge(bitmap("vda"), epoch("d9"), epoch("e1"), open("e1")), Reason.RolledBack);
    }

    @Test
    void oneThatLeftTheRecordedMarkerHereIsCarriedOver() {
      assertRenewed(judge(bitmap("vda"), epoch("e0")));
      assertRenewed(judge(bitmap("vda"), epoch("e0"), epoch("e1"), open("e1")));
    }

    @Test
    void anotherChainBelowIsLost() {
      DiskImage rebased = new DiskImage(fileOf("vda"), List.of(), Optional.empty());

      assertLost(
          ImageJudgeTest.judge(
              onOverlay, reopened("vda", rebased, SIZE, bitmap("vda"), epoch("e0"))),
          Reason.ImageReplaced);
    }

    @Test
    void aCountThatFellShowsThatTheOverlayWasThrownAway() {
      assertLost(judge(counting("vda", 0), epoch("d9"), open("d9"), open("e0")), Reason.Cleared);
    }

    @Test
    void withoutTheBitmapItIsAnotherImage() {
      assertUnknown(judge(epoch("d9"), open("d9")), Reason.DiskReplaced);
    }

    private Verdict judge(BitmapObservation... bitmaps) {
      return ImageJudgeTest.judge(onOverlay, reopened("vda", bitmaps));
    }
  }

  @Nested
  class OnAnotherImage {
    @Test
    void withoutTheBitmapItCannotBeSeen() {
      assertUnknown(judge(reopened("vda", image("vdx"), SIZE, open("e9"))), Reason.DiskReplaced);
    }

    @Test
    void aMovedImageIsCarriedOver() {
      assertRenewed(judge(reopened("vda", image("vdx"), SIZE, bitmap("vda"), epoch("e0"))));
    }

    @Test
    void evenIfAnotherCheckpointHadItMarkedAlready() {
      assertRenewed(
          judge(
              reopened(
                  "vda", image("vdx"), SIZE, bitmap("vda"), epoch("e0"), epoch("e1"), open("e1"))));
    }

    @Test
    void aMovedImageWithFewerLayersIsLost() {
      DiskImage moved = new DiskImage("/disks/vdx.qcow2", List.of(), Optional.empty());

      assertLost(
          judge(reopened("vda", moved, SIZE, bitmap("vda"), epoch("e0"))), Reason.ImageReplaced);
    }

    @Test
    void anImageThatIsCalledOtherwiseInTheSameOpeningHasToBeFlushedFirst() {
      DiskImage renamed = new DiskImage("json:{}", List.of(), Optional.empty());

      assertThat(judge(reopened("vda", renamed, SIZE, bitmap("vda"), epoch("e0"), open("e0"))))
          .isEqualTo(new Renew(recorded("vda"), "e0", List.of(), true));
    }

    @Test
    void anImageThatAMigrationTookElsewhereWithBothItsMarkersHasToBeFlushedFirst() {
      assertThat(judge(reopened("vda", image("vdx"), SIZE, bitmap("vda"), epoch("e0"), open("e0"))))
          .isEqualTo(new Renew(recorded("vda"), "e0", List.of(), true));
    }

    @Test
    void anImageThatIsOnMoreLayersThanOnRecordIsLost() {
      DiskImage more = new DiskImage(MOVED, List.of(MIDDLE, BASE), Optional.empty());

      assertLost(
          judge(reopened("vda", more, SIZE, bitmap("vda"), epoch("e0"), open("e0"))),
          Reason.ImageReplaced);
    }

    @Test
    void aMovedImageWithFewerLayersUnderAnOverlayIsLost() {
      DiskImage top = new DiskImage(TOP, List.of(MOVED), Optional.empty());

      assertLost(
          judge(
              layered(
                  "vda",
                  top,
                  SIZE,
                  List.of(bitmap("vda")),
                  List.of(layer(MOVED, bitmap("vda"), epoch("e0"))))),
          Reason.ImageReplaced);
    }

    @Test
    void aCopyThatLeftTheMarkerBehindIsLost() {
      assertLost(judge(reopened("vda", image("vdx"), SIZE, bitmap("vda"))), Reason.ImageReplaced);
      assertLost(
          judge(reopened("vda", image("vdx"), SIZE, bitmap("vda"), epoch("d9"))),
          Reason.ImageReplaced);
      assertLost(
          judge(reopened("vda", image("vdx"), SIZE, bitmap("vda"), epoch("e1"), open("e1"))),
          Reason.ImageReplaced);
    }

    @Test
    void aMovedImageUnderAnOverlayThatCarriesTheBitmapIsMerged() {
      assertRenewed(
          judge(onMoved(List.of(counting("vda", 0)), layer(MOVED, bitmap("vda"), epoch("e0")))),
          bitmapOf("vda"));
    }

    @Test
    void anOverlayThatCameAfterTheCommitOfTheRecordedOneIsMergedAndFlushed() {
      assertThat(judge(afterTheCommit()))
          .isEqualTo(new Renew(recorded("vda"), "e0", List.of(bitmapOf("vda")), true));
    }

    @Test
    void whereCopiesAreReadThroughQemuOnlyItIsNotFlushed() {
      assertThat(
              new DiskJudge(
                      checkpoint(unflushed(), establishedStatus(recorded("vda"))),
                      seen(afterTheCommit()),
                      Map.of())
                  .judge(recorded("vda")))
          .isEqualTo(new Renew(recorded("vda"), "e0", List.of(bitmapOf("vda")), false));
    }

    private DiskObservation afterTheCommit() {
      return onMoved(
          List.of(counting("vda", 0)),
          layer(MOVED, bitmap("vda"), epoch("d9"), open("d9"), open("e0")));
    }

    @Test
    void aMovedImageUnderAnOverlayIsLostWithItsBitmapOrItsMarker() {
      assertLost(
          judge(onMoved(List.of(bitmap("vda")), layer(MOVED, epoch("e0")))), Reason.BitmapMissing);
      assertLost(
          judge(onMoved(List.of(bitmap("vda")), layer(MOVED, bitmap("vda"), epoch("d9")))),
          Reason.ImageReplaced);
    }

    @Test
    void aMovedImageUnderAPlainOverlayUnderOneWithTheBitmapCannotBeSeen() {
      DiskImage two = new DiskImage(TOP, List.of(MIDDLE, MOVED), Optional.empty());

      assertUnknown(
          judge(
              layered(
                  "vda",
                  two,
                  SIZE,
                  List.of(bitmap("vda")),
                  List.of(layer(MIDDLE), layer(MOVED, bitmap("vda"), epoch("e0"))))),
          Reason.OverlayOnTop);
    }

    @Test
    void theBitmapOfAnotherDiskIsAnotherImage() {
      assertUnknown(
          judge(reopened("vda", image("vdb"), SIZE, bitmap("vdb"), epoch("e0"), open("e0"))),
          Reason.DiskReplaced);
    }

    private DiskObservation onMoved(List<BitmapObservation> bitmaps, Layer moved) {
      DiskImage overlay = new DiskImage(TOP, List.of(MOVED, BASE), Optional.empty());
      return layered("vda", overlay, SIZE, bitmaps, List.of(moved));
    }
  }

  @Nested
  class OnceTheSidecarHasCarriedItOver {
    @Test
    void itIsRecordingInThePresentOpening() {
      assertRecording(
          carriedOver(image("vda"), bitmap("vda"), epoch("e0"), epoch("e1"), open("e1")), "e1");
    }

    @Test
    void alsoWhereThatMeantToFlushWhatAStreamMovedThere() {
      Disk now =
          assertRecording(
              new DiskJudge(
                      established(overLayers()),
                      seen(reopened("vda", bitmap("vda"), epoch("e0"), open("e0"))),
                      Map.of("vda", image("vda")))
                  .judge(overLayers()),
              "e0");

      assertThat(now.image()).isEqualTo(new Image(fileOf("vda"), List.of(BASE), null));
    }

    @Test
    void notIfThePresentOpeningIsNotMarked() {
      assertRenewed(carriedOver(image("vda"), bitmap("vda"), epoch("e0")));
    }

    @Test
    void notIfAnotherImageIsThereByThen() {
      assertRenewed(carriedOver(image("vdx"), bitmap("vda"), epoch("e0"), epoch("e1"), open("e1")));
    }

    @Test
    void whatIsSeenByThenIsJudgedAsEver() {
      assertLost(
          carriedOver(image("vda"), counting("vda", 0), epoch("e0"), epoch("e1"), open("e1")),
          Reason.Cleared);
      assertLost(carriedOver(image("vda"), bitmap("vda"), open("e1")), Reason.RolledBack);
    }

    private Verdict carriedOver(DiskImage asked, BitmapObservation... bitmaps) {
      return new DiskJudge(
              established(recorded("vda")), seen(reopened("vda", bitmaps)), Map.of("vda", asked))
          .judge(recorded("vda"));
    }
  }

  private static Layer layer(String file, BitmapObservation... bitmaps) {
    return new Layer(file, List.of(bitmaps));
  }

  private static Disk overLayers() {
    return recordedOn(fileOf("vda"), List.of(MIDDLE, BASE));
  }

  private static Disk recordedOn(String file, List<String> backing) {
    return recorded("vda", "e0", new Image(file, backing, null));
  }

  private static Verdict judge(DiskObservation observed) {
    return judge(recorded("vda"), observed);
  }

  private static Verdict judge(Disk recorded, DiskObservation observed) {
    return judge(recorded, seen(observed));
  }

  private static Verdict judge(Disk recorded, Seen seen) {
    return new DiskJudge(established(recorded), seen, Map.of()).judge(recorded);
  }

  private static void assertRenewed(Verdict verdict, String... merge) {
    assertThat(verdict)
        .isInstanceOfSatisfying(
            Renew.class,
            renew -> {
              assertThat(renew.epoch()).isEqualTo("e0");
              assertThat(renew.merge()).containsExactly(merge);
            });
  }

  private static Disk assertRecording(Verdict verdict, String epoch) {
    Disk disk = assertJudged(verdict, DiskState.Recording, Reason.Recording);
    assertThat(disk.epoch()).isEqualTo(epoch);
    return disk;
  }

  private static void assertLost(Verdict verdict, Reason reason) {
    assertThat(assertJudged(verdict, DiskState.Lost, reason).message()).isNotBlank();
  }

  private static void assertUnknown(Verdict verdict, Reason reason) {
    Disk disk = assertJudged(verdict, DiskState.Unknown, reason);
    assertThat(disk.message()).isNotBlank();
    assertThat(disk.epoch()).isEqualTo("e0");
  }

  private static Disk assertJudged(Verdict verdict, DiskState state, Reason reason) {
    assertThat(verdict).isInstanceOf(Judged.class);
    Disk disk = ((Judged) verdict).disk();
    assertThat(disk.state()).as("%s: %s", disk.reason(), disk.message()).isEqualTo(state);
    assertThat(disk.reason()).isEqualTo(reason);
    return disk;
  }
}
