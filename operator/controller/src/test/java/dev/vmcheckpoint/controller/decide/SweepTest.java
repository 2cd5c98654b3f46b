package dev.vmcheckpoint.controller.decide;

import static dev.vmcheckpoint.controller.decide.Cases.NOON;
import static dev.vmcheckpoint.controller.decide.Cases.SIZE;
import static dev.vmcheckpoint.controller.decide.Cases.bitmap;
import static dev.vmcheckpoint.controller.decide.Cases.bitmapOf;
import static dev.vmcheckpoint.controller.decide.Cases.epoch;
import static dev.vmcheckpoint.controller.decide.Cases.fileOf;
import static dev.vmcheckpoint.controller.decide.Cases.gone;
import static dev.vmcheckpoint.controller.decide.Cases.image;
import static dev.vmcheckpoint.controller.decide.Cases.layered;
import static dev.vmcheckpoint.controller.decide.Cases.machine;
import static dev.vmcheckpoint.controller.decide.Cases.reopened;
import static dev.vmcheckpoint.controller.decide.Cases.seen;
import static dev.vmcheckpoint.controller.decide.Cases.unseen;
import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.controller.decide.Observation.Seen;
import dev.vmcheckpoint.controller.decide.Sweep.Remove;
import dev.vmcheckpoint.controller.decide.Sweep.Settled;
import dev.vmcheckpoint.controller.decide.Sweep.Wait;
import dev.vmcheckpoint.node.BitmapObservation;
import dev.vmcheckpoint.node.DiskImage;
import dev.vmcheckpoint.node.DiskObservation;
import dev.vmcheckpoint.node.RemoveResponse;
import dev.vmcheckpoint.node.RemoveResponse.Below;
import dev.vmcheckpoint.node.RemoveResponse.Removed;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class SweepTest {
  private static final String OVERLAY = "/disks/top.qcow2";
  private static final Leftover.Bitmap ON_VDA = on(fileOf("vda"));

  @Test
  void aMachineThatIsNotSeenIsWaitedFor() {
    assertThat(Sweep.decide(left(ON_VDA), gone())).isEqualTo(new Wait());
    assertThat(Sweep.decide(left(ON_VDA), unseen(Reason.Migrating))).isEqualTo(new Wait());
  }

  @Test
  void whatIsLeftIsRemovedWhereverItIsNow() {
    Seen there = seen(reopened("vda", bitmap("vda")));
    Seen elsewhere = seen(reopened("vdb", image("vdb"), SIZE, bitmap("vda")));

    assertThat(Sweep.decide(left(ON_VDA), there)).isEqualTo(new Remove(there));
    assertThat(Sweep.decide(left(), elsewhere)).isEqualTo(new Remove(elsewhere));
  }

  @Test
  void bitmapsOfOtherCheckpointsAreNot() {
    BitmapObservation other =
        new BitmapObservation(
            "vmcp-ffffffff-0000-4000-8000-000000000002.a.vda",
            512,
            0,
            true,
            true,
            false,
            false,
            Optional.of(false));

    assertThat(Sweep.decide(left(ON_VDA), seen(reopened("vda", other, epoch("e0")))))
        .isEqualTo(new Settled(List.of()));
  }

  @Test
  void anImageThatIsNotAttachedKeepsItsRecord() {
    assertThat(Sweep.decide(left(ON_VDA), seen(reopened("vda", image("vdx"), SIZE))))
        .isEqualTo(new Settled(List.of(ON_VDA)));
  }

  @Test
  void absenceIsNotBelievedOfAnOldQemuThatMayNotHaveLoadedItsBitmaps() {
    Seen paused = seen(machine("7.2.22", "paused", reopened("vda")));

    assertThat(Sweep.decide(left(ON_VDA), paused)).isEqualTo(new Settled(List.of(ON_VDA)));
  }

  @Test
  void aBitmapBelowStaysOnRecordUntilItsLayerIsActiveAgain() {
    assertThat(Sweep.decide(left(on(OVERLAY)), seen(covered())))
        .isEqualTo(new Settled(List.of(ON_VDA)));
    assertThat(Sweep.decide(left(ON_VDA), seen(covered()))).isEqualTo(new Settled(List.of(ON_VDA)));
  }

  @Test
  void aBitmapOnAnImageThatIsOnlyReadStaysOnRecord() {
    DiskObservation readOnly =
        new DiskObservation(
            "vda",
            "node",
            false,
            Optional.empty(),
            Optional.of(image("vda")),
            SIZE,
            List.of(bitmap("vda")),
            List.of(),
            Optional.empty());

    assertThat(Sweep.decide(left(ON_VDA), seen(readOnly))).isEqualTo(new Settled(List.of(ON_VDA)));
  }

  @Test
  void afterARemovalThatIsLeftWhatItSawBelow() {
    RemoveResponse response =
        new RemoveResponse(
            List.of(new Removed("vda", bitmapOf("vda"))),
            List.of(new Below("vda", fileOf("vda"), bitmapOf("vda"))));

    assertThat(Sweep.remaining(List.of(on(OVERLAY)), seen(covered()), response))
        .containsExactly(ON_VDA);
  }

  @Test
  void whatGoesWithItsDiskBetweenLookAndRemovalIsLeft() {
    RemoveResponse nothing = new RemoveResponse(List.of(), List.of());

    assertThat(Sweep.remaining(List.of(ON_VDA), seen(reopened("vda", bitmap("vda"))), nothing))
        .containsExactly(ON_VDA);
    assertThat(Sweep.remaining(List.of(ON_VDA), seen(reopened("vda")), nothing)).isEmpty();
  }

  private static DiskObservation covered() {
    return layered(
        "vda",
        new DiskImage(OVERLAY, List.of(fileOf("vda")), Optional.empty()),
        SIZE,
        List.of(),
        List.of(new DiskObservation.Layer(fileOf("vda"), List.of(bitmap("vda")))));
  }

  private static Leftover.Bitmap on(String file) {
    return new Leftover.Bitmap("vda", file, bitmapOf("vda"));
  }

  private static Leftover left(Leftover.Bitmap... bitmaps) {
    return new Leftover(Cases.UID, "shop", "db-0", NOON.getEpochSecond(), false, List.of(bitmaps));
  }
}
