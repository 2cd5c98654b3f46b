package dev.vmcheckpoint.controller.decide;

import static dev.vmcheckpoint.controller.decide.Cases.DIRTY;
import static dev.vmcheckpoint.controller.decide.Cases.GRANULARITY;
import static dev.vmcheckpoint.controller.decide.Cases.NOON;
import static dev.vmcheckpoint.controller.decide.Cases.SIZE;
import static dev.vmcheckpoint.controller.decide.Cases.bitmap;
import static dev.vmcheckpoint.controller.decide.Cases.disk;
import static dev.vmcheckpoint.controller.decide.Cases.epoch;
import static dev.vmcheckpoint.controller.decide.Cases.established;
import static dev.vmcheckpoint.controller.decide.Cases.fileOf;
import static dev.vmcheckpoint.controller.decide.Cases.open;
import static dev.vmcheckpoint.controller.decide.Cases.recorded;
import static dev.vmcheckpoint.controller.decide.Cases.reopened;
import static dev.vmcheckpoint.controller.decide.Cases.seen;
import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.api.DiskState;
import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Disk;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Image;
import dev.vmcheckpoint.controller.decide.Decision.Report;
import dev.vmcheckpoint.controller.decide.Troubles.Trouble;
import dev.vmcheckpoint.node.BitmapObservation;
import dev.vmcheckpoint.node.DiskObservation;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The judged checkpoint was established at noon and lists {@link Cases#DIRTY} bytes. */
final class SupersetsTest {
  private static final String OTHER = "0a1b2c3d-0000-4000-8000-000000000002";
  private static final String NAME = "vmcp-%s.later.vda".formatted(OTHER);
  private static final Instant SURELY_LATER = NOON.plusSeconds(61);
  private static final Image IMAGE = new Image(fileOf("vda"), List.of("/disks/base.qcow2"), null);
  private static final OnRecord YOUNGER = onRecord(SURELY_LATER, NAME, "e0", IMAGE);
  private static final BitmapObservation LISTS_MORE = listing(DIRTY + GRANULARITY);

  @Test
  void anOlderBitmapThatListsLessThanAYoungerOneWasCleared() {
    Disk judged = judge(disk("vda", bitmap("vda"), LISTS_MORE), YOUNGER);

    assertThat(judged.state()).isEqualTo(DiskState.Lost);
    assertThat(judged.reason()).isEqualTo(Reason.Cleared);
    assertThat(judged.message()).contains(NAME);
  }

  @Test
  void oneThatListsAsMuchOrMoreWasNot() {
    assertRecording(disk("vda", bitmap("vda"), listing(DIRTY)), YOUNGER);
    assertRecording(disk("vda", bitmap("vda"), listing(0)), YOUNGER);
  }

  static Stream<Arguments> bitmapsThatProveNothing() {
    long more = DIRTY + GRANULARITY;
    return Stream.of(
        Arguments.of(
            "of another granularity",
            new BitmapObservation(
                NAME, 2 * GRANULARITY, more, true, true, false, false, Optional.of(false))),
        Arguments.of(
            "not recording",
            new BitmapObservation(
                NAME, GRANULARITY, more, false, true, false, false, Optional.of(false))),
        Arguments.of(
            "not persistent",
            new BitmapObservation(
                NAME, GRANULARITY, more, true, false, false, false, Optional.of(false))),
        Arguments.of(
            "busy",
            new BitmapObservation(
                NAME, GRANULARITY, more, true, true, true, false, Optional.of(false))),
        Arguments.of(
            "inconsistent",
            new BitmapObservation(
                NAME, GRANULARITY, more, true, true, false, true, Optional.of(false))),
        Arguments.of(
            "not on record",
            new BitmapObservation(
                NAME + "x", GRANULARITY, more, true, true, false, false, Optional.of(false))));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("bitmapsThatProveNothing")
  void aYoungerBitmapThatIsNotAlikeProvesNothing(String what, BitmapObservation younger) {
    assertRecording(disk("vda", bitmap("vda"), younger), YOUNGER);
  }

  static Stream<Arguments> recordsThatProveNothing() {
    return Stream.of(
        Arguments.of("not surely younger", onRecord(NOON.plusSeconds(60), NAME, "e0", IMAGE)),
        Arguments.of(
            "of an earlier creation",
            onRecord(SURELY_LATER, "vmcp-%s.a.vda".formatted(OTHER), "e0", IMAGE)),
        Arguments.of(
            "with a bitmap of somebody else",
            onRecord(SURELY_LATER, "vmcp-ffff.later.vda", "e0", IMAGE)),
        Arguments.of("of another opening", onRecord(SURELY_LATER, NAME, "e1", IMAGE)),
        Arguments.of(
            "of another image",
            onRecord(SURELY_LATER, NAME, "e0", new Image("/disks/top.qcow2", List.of(), null))),
        Arguments.of(
            "of another machine", new OnRecord(OTHER, SURELY_LATER, "db-1", YOUNGER.disk())),
        Arguments.of("of another disk", new OnRecord(OTHER, SURELY_LATER, "db-0", recorded("vdb"))),
        Arguments.of(
            "not recording",
            new OnRecord(
                OTHER,
                SURELY_LATER,
                "db-0",
                YOUNGER.disk().judged(DiskState.Unknown, Reason.Busy, "a job uses it"))));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("recordsThatProveNothing")
  void aRecordOfAnotherKindProvesNothing(String what, OnRecord other) {
    String name = String.valueOf(other.disk().bitmap());
    BitmapObservation listsMore =
        new BitmapObservation(
            name, GRANULARITY, DIRTY + GRANULARITY, true, true, false, false, Optional.of(false));

    assertRecording(disk("vda", bitmap("vda"), listsMore), other);
  }

  @Test
  void itIsComparedAlsoWhereAnotherDiskHasToBeCarriedOver() {
    Checkpoint older = established(recorded("vda"), recorded("vdb"));
    Decision decision =
        Cases.decide(
            older,
            seen(
                disk("vda", bitmap("vda"), LISTS_MORE),
                reopened("vdb", bitmap("vdb"), epoch("e0"))),
            List.of(YOUNGER),
            NOON);
    assertThat(decision).isInstanceOf(Decision.Renew.class);

    VirtualMachineCheckpointStatus status =
        Renewals.notRenewed(
            older,
            (Decision.Renew) decision,
            new Trouble(Reason.DiskIneligible, "it is read-only"),
            NOON);

    assertThat(status.disks())
        .extracting(Disk::reason)
        .containsExactly(Reason.Cleared, Reason.DiskIneligible);
  }

  @Test
  void aDiskThatComesIntoAnotherOpeningIsNotComparedYet() {
    DiskObservation opened =
        reopened("vda", bitmap("vda"), LISTS_MORE, epoch("e0"), epoch("e1"), open("e1"));

    assertThat(Cases.decide(established(recorded("vda")), seen(opened), List.of(YOUNGER), NOON))
        .isInstanceOf(Decision.Renew.class);
  }

  @Test
  void aDiskThatWasNotRecordingUntilNowIsNotComparedYet() {
    Disk unknown = recorded("vda").judged(DiskState.Unknown, Reason.Busy, "a job uses it");
    DiskObservation device = disk("vda", bitmap("vda"), LISTS_MORE);

    Report report =
        (Report) Cases.decide(established(unknown), seen(device), List.of(YOUNGER), NOON);

    assertThat(report.status().disks().getFirst().state()).isEqualTo(DiskState.Recording);
  }

  private static void assertRecording(DiskObservation device, OnRecord other) {
    assertThat(judge(device, other).state()).isEqualTo(DiskState.Recording);
  }

  private static Disk judge(DiskObservation device, OnRecord other) {
    Report report =
        (Report) Cases.decide(established(recorded("vda")), seen(device), List.of(other), NOON);
    return report.status().disks().getFirst();
  }

  private static BitmapObservation listing(long dirtyBytes) {
    return new BitmapObservation(
        NAME, GRANULARITY, dirtyBytes, true, true, false, false, Optional.of(false));
  }

  private static OnRecord onRecord(Instant created, String bitmap, String epoch, Image image) {
    return new OnRecord(
        OTHER,
        created,
        "db-0",
        new Disk(
            "vda",
            DiskState.Recording,
            Reason.Recording,
            null,
            bitmap,
            epoch,
            "vda-format",
            image,
            SIZE,
            GRANULARITY,
            0L));
  }
}
