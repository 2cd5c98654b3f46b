package dev.vmcheckpoint.controller.decide;

import static dev.vmcheckpoint.controller.decide.Cases.NOON;
import static dev.vmcheckpoint.controller.decide.Cases.bitmap;
import static dev.vmcheckpoint.controller.decide.Cases.bitmapOf;
import static dev.vmcheckpoint.controller.decide.Cases.counting;
import static dev.vmcheckpoint.controller.decide.Cases.disk;
import static dev.vmcheckpoint.controller.decide.Cases.epoch;
import static dev.vmcheckpoint.controller.decide.Cases.established;
import static dev.vmcheckpoint.controller.decide.Cases.fileOf;
import static dev.vmcheckpoint.controller.decide.Cases.layered;
import static dev.vmcheckpoint.controller.decide.Cases.open;
import static dev.vmcheckpoint.controller.decide.Cases.recorded;
import static dev.vmcheckpoint.controller.decide.Cases.reopened;
import static dev.vmcheckpoint.controller.decide.Cases.seen;
import static dev.vmcheckpoint.controller.decide.Cases.unseen;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.vmcheckpoint.api.DiskState;
import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Disk;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Image;
import dev.vmcheckpoint.controller.decide.Decision.Renew;
import dev.vmcheckpoint.controller.decide.Decision.Report;
import dev.vmcheckpoint.controller.decide.Renewals.Renewed;
import dev.vmcheckpoint.controller.decide.Troubles.Trouble;
import dev.vmcheckpoint.node.DiskImage;
import dev.vmcheckpoint.node.DiskObservation;
import dev.vmcheckpoint.node.EpochRequest;
import dev.vmcheckpoint.node.EpochResponse;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class RenewalsTest {
  private static final Checkpoint CHECKPOINT = established(recorded("vda"), recorded("vdb"));

  @Test
  void allDisksInNewOpeningsAreCarriedOverInOneCall() {
    Renew renew =
        decide(
            reopened("vda", bitmap("vda"), epoch("e0")),
            reopened("vdb", bitmap("vdb"), epoch("e0")));

    assertThat(renew.request())
        .isEqualTo(
            new EpochRequest(
                List.of(
                    new EpochRequest.Disk("vda", "e0", List.of(), List.of(), false),
                    new EpochRequest.Disk("vdb", "e0", List.of(), List.of(), false))));
  }

  @Test
  void aDiskThatIsInItsRecordedOpeningIsLeftAlone() {
    Renew renew = decide(reopened("vda", bitmap("vda"), epoch("e0")), disk("vdb", bitmap("vdb")));

    assertThat(renew.request().disks()).extracting(EpochRequest.Disk::name).containsExactly("vda");
  }

  @Test
  void whatAnOverlayCarriedAlongIsMerged() {
    Renew renew = decide(carriedOverlay(), disk("vdb", bitmap("vdb")));

    assertThat(renew.request().disks())
        .containsExactly(
            new EpochRequest.Disk("vda", "e0", List.of(bitmapOf("vda")), List.of(), false));
  }

  @Test
  void aMachineThatIsNotSeenIsNotCalled() {
    assertThat(Cases.decide(CHECKPOINT, unseen(Reason.Migrating), List.of(), NOON))
        .isInstanceOf(Report.class);
  }

  @Test
  void theAnswerIsRecordedWithTheNewEpochAndNoFewerDirtyBytes() {
    Renew renew = decide(reopened("vda", bitmap("vda"), epoch("e0")), disk("vdb", bitmap("vdb")));

    VirtualMachineCheckpointStatus status =
        renewed(renew, reopened("vda", bitmap("vda"), epoch("e0"), epoch("e1"), open("e1")));

    assertThat(status.disks())
        .extracting(Disk::name, Disk::state, Disk::epoch, Disk::dirtyBytes)
        .containsExactly(
            tuple("vda", DiskState.Recording, "e1", Cases.DIRTY),
            tuple("vdb", DiskState.Recording, "e0", Cases.DIRTY));
  }

  @Test
  void aMergedOverlayIsRecordedAsTheImage() {
    Renew renew = decide(carriedOverlay(), disk("vdb", bitmap("vdb")));
    DiskObservation merged =
        layered(
            "vda",
            carriedOverlay().image().orElseThrow(),
            Cases.SIZE,
            List.of(bitmap("vda"), epoch("e1"), open("e1")),
            carriedOverlay().lower());

    Disk recorded = renewed(renew, merged).disks().getFirst();

    assertThat(recorded.state()).isEqualTo(DiskState.Recording);
    assertThat(recorded.epoch()).isEqualTo("e1");
    assertThat(recorded.image())
        .satisfies(image -> assertThat(image).extracting("file").isEqualTo("/disks/top.qcow2"));
  }

  @Test
  void aMergeThatListsLessThanWasListedIsALoss() {
    Renew renew = decide(carriedOverlay(), disk("vdb", bitmap("vdb")));
    DiskObservation unmerged =
        layered(
            "vda",
            carriedOverlay().image().orElseThrow(),
            Cases.SIZE,
            List.of(counting("vda", 0), epoch("e1"), open("e1")),
            carriedOverlay().lower());

    assertThat(renewed(renew, unmerged).disks().getFirst().reason()).isEqualTo(Reason.Cleared);
  }

  @Test
  void aFailureLeavesTheDiskUnknownAndTheRecordAsItWas() {
    Renew renew = decide(reopened("vda", bitmap("vda"), epoch("e0")), disk("vdb", bitmap("vdb")));

    VirtualMachineCheckpointStatus status =
        Renewals.notRenewed(
            CHECKPOINT, renew, new Trouble(Reason.OutcomeUnknown, "no answer"), NOON);

    assertThat(status.disks())
        .containsExactly(
            recorded("vda").judged(DiskState.Unknown, Reason.OutcomeUnknown, "no answer"),
            recorded("vdb"));
  }

  @Test
  void whatStandsInTheWayOfOneDiskCostsNoOther() {
    assertOnlyVdaIsCarriedOver(
        decide(
            reopened("vda", bitmap("vda"), epoch("e0")),
            reopened("vdb", bitmap("vdb"), epoch("e0"))));
  }

  @Test
  void twoDevicesOfOneNameCostNoOtherDisk() {
    assertOnlyVdaIsCarriedOver(
        decide(
            reopened("vda", bitmap("vda"), epoch("e0")),
            reopened("vdb", bitmap("vdb"), epoch("e0")),
            reopened("vdb", bitmap("vdb"), epoch("e0"))));
  }

  private static void assertOnlyVdaIsCarriedOver(Renew renew) {
    DiskObservation marked = reopened("vda", bitmap("vda"), epoch("e0"), epoch("e1"), open("e1"));

    VirtualMachineCheckpointStatus status =
        Renewals.renewed(
            CHECKPOINT,
            renew,
            new Renewed(
                List.of(new EpochResponse(List.of(marked), List.of())),
                Map.of("vdb", new Trouble(Reason.DiskIneligible, "it is read-only"))),
            NOON);

    assertThat(status.disks())
        .extracting(Disk::name, Disk::state, Disk::reason, Disk::epoch)
        .containsExactly(
            tuple("vda", DiskState.Recording, Reason.Recording, "e1"),
            tuple("vdb", DiskState.Unknown, Reason.DiskIneligible, "e0"));
  }

  @Test
  void anAnswerForOtherDisksIsNotBelieved() {
    Renew renew = decide(reopened("vda", bitmap("vda"), epoch("e0")), disk("vdb", bitmap("vdb")));

    assertNotBelieved(
        renewed(renew, reopened("vdb", bitmap("vdb"), epoch("e0"), epoch("e1"), open("e1"))));
  }

  @Test
  void anAnswerInWhichTheOpeningIsNotMarkedIsNotBelieved() {
    Renew renew = decide(reopened("vda", bitmap("vda"), epoch("e0")), disk("vdb", bitmap("vdb")));

    assertNotBelieved(renewed(renew, reopened("vda", bitmap("vda"), epoch("e0"))));
  }

  @Test
  void anAnswerThatDoesNotShowTheFlushThatWasAskedForIsNotBelieved() {
    Disk overLayers =
        recorded(
            "vda",
            "e0",
            new Image(fileOf("vda"), List.of("/disks/middle.qcow2", "/disks/base.qcow2"), null));
    Checkpoint streamed = established(overLayers);
    DiskObservation marked = reopened("vda", bitmap("vda"), epoch("e0"), open("e0"));
    Renew renew = (Renew) Cases.decide(streamed, seen(marked), List.of(), NOON);
    assertThat(renew.request().disksToFlush()).containsExactly("vda");

    VirtualMachineCheckpointStatus status =
        Renewals.renewed(streamed, renew, answered(marked), NOON);

    assertThat(status.disks())
        .containsExactly(
            overLayers.judged(
                DiskState.Unknown,
                Reason.FlushPending,
                "the sidecar's answer does not show the disks [vda] flushed"));
  }

  private static void assertNotBelieved(VirtualMachineCheckpointStatus status) {
    Disk disk = status.disks().getFirst();
    assertThat(disk.state()).isEqualTo(DiskState.Unknown);
    assertThat(disk.reason()).isEqualTo(Reason.SidecarFailed);
    assertThat(disk.epoch()).isEqualTo("e0");
  }

  /** On top of the recorded image, and not yet merged. */
  private static DiskObservation carriedOverlay() {
    return layered(
        "vda",
        new DiskImage(
            "/disks/top.qcow2", List.of(fileOf("vda"), "/disks/base.qcow2"), Optional.empty()),
        Cases.SIZE,
        List.of(counting("vda", 0)),
        List.of(
            new DiskObservation.Layer(
                fileOf("vda"), List.of(bitmap("vda"), epoch("e0"), open("e0")))));
  }

  private static Renew decide(DiskObservation... disks) {
    Decision decision = Cases.decide(CHECKPOINT, seen(disks), List.of(), NOON);
    assertThat(decision).isInstanceOf(Renew.class);
    return (Renew) decision;
  }

  private static VirtualMachineCheckpointStatus renewed(Renew renew, DiskObservation answer) {
    return Renewals.renewed(CHECKPOINT, renew, answered(answer), NOON);
  }

  private static Renewed answered(DiskObservation answer) {
    return new Renewed(List.of(new EpochResponse(List.of(answer), List.of())), Map.of());
  }
}
