package dev.vmcheckpoint.controller.decide;

import static dev.vmcheckpoint.controller.decide.Cases.disk;
import static dev.vmcheckpoint.controller.decide.Cases.ineligible;
import static dev.vmcheckpoint.controller.decide.Cases.skipping;
import static dev.vmcheckpoint.controller.decide.Cases.spec;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.vmcheckpoint.api.DiskState;
import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.api.VirtualMachineCheckpointSpec;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Disk;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.SkippedDisk;
import dev.vmcheckpoint.controller.decide.DiskSelection.Rejected;
import dev.vmcheckpoint.controller.decide.DiskSelection.Selected;
import dev.vmcheckpoint.node.DiskObservation;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

final class DiskSelectionTest {
  private static final DiskObservation RAW = ineligible("vdr", Reason.NotQcow2, true);
  private static final DiskObservation READ_ONLY = ineligible("cd0", Reason.ReadOnly, false);

  @Test
  void withoutNamesEveryWritableDiskIsSelectedInOrder() {
    assertThat(select(spec(), disk("vdb"), READ_ONLY, disk("vda")))
        .isEqualTo(new Selected(List.of("vdb", "vda"), List.of()));
  }

  @Test
  void aWritableDiskThatIsNotEligibleFailsTheDefaultSet() {
    Rejected rejected = rejected(select(spec(), disk("vda"), RAW));

    assertThat(rejected.reason()).isEqualTo(Reason.DiskIneligible);
    assertThat(rejected.message()).isEqualTo("disk vdr: it is NotQcow2");
  }

  @Test
  void aWritableDiskThatIsNotEligibleIsSkippedWhereTheSpecPermits() {
    assertThat(select(skipping(), disk("vda"), RAW))
        .isEqualTo(
            new Selected(
                List.of("vda"),
                List.of(new SkippedDisk("vdr", Reason.NotQcow2, "it is NotQcow2"))));
  }

  @Test
  void whereEveryDiskWouldBeSkippedThereIsNoCheckpoint() {
    Rejected rejected = rejected(select(skipping(), RAW));

    assertThat(rejected.reason()).isEqualTo(Reason.NoEligibleDisk);
    assertThat(rejected.message()).contains("vdr").contains("NotQcow2");
  }

  @Test
  void aMachineWithoutWritableDisksHasNoneThatIsEligible() {
    Rejected rejected = rejected(select(spec(), READ_ONLY));

    assertThat(rejected.reason()).isEqualTo(Reason.NoEligibleDisk);
    assertThat(rejected.message()).contains("no writable disk");
  }

  @Test
  void sixtyFourDisksAreSelected() {
    assertThat(select(spec(), disks(64))).isInstanceOf(Selected.class);
  }

  @Test
  void sixtyFiveDisksAreTooMany() {
    Rejected rejected = rejected(select(spec(), disks(65)));

    assertThat(rejected.reason()).isEqualTo(Reason.TooManyDisks);
    assertThat(rejected.message()).contains("65").contains("64");
  }

  @Test
  void namedDisksAreSelectedAndOthersDoNotMatter() {
    assertThat(select(spec("vda"), disk("vda"), disk("vdb"), RAW))
        .isEqualTo(new Selected(List.of("vda"), List.of()));
  }

  @Test
  void namedDisksThatAreNotThereAreAllSaid() {
    Rejected rejected = rejected(select(spec("vdx", "vda", "vdy"), disk("vda")));

    assertThat(rejected.reason()).isEqualTo(Reason.DiskNotFound);
    assertThat(rejected.message()).contains("vdx, vdy").contains("it has vda");
    assertThat(rejected.disks())
        .extracting(Disk::name, Disk::state, Disk::reason)
        .containsExactly(
            tuple("vdx", DiskState.Pending, Reason.DiskNotFound),
            tuple("vdy", DiskState.Pending, Reason.DiskNotFound));
  }

  @Test
  void aNamedDiskMustBeEligibleAlsoWhereTheSpecWouldSkip() {
    VirtualMachineCheckpointSpec named =
        new VirtualMachineCheckpointSpec(
            skipping().virtualMachineRef(),
            spec("vdr").disks(),
            skipping().ineligibleDisks(),
            null,
            skipping().barrier());

    Rejected rejected = rejected(select(named, disk("vda"), RAW));

    assertThat(rejected.reason()).isEqualTo(Reason.DiskIneligible);
    assertThat(rejected.disks()).extracting(Disk::reason).containsExactly(Reason.NotQcow2);
  }

  @Test
  void aNamedDiskThatTheGuestCannotWriteToIsNotEligible() {
    Rejected rejected = rejected(select(spec("cd0"), disk("vda"), READ_ONLY));

    assertThat(rejected.reason()).isEqualTo(Reason.DiskIneligible);
    assertThat(rejected.message()).contains("cd0");
  }

  @Test
  void norIsOneOfWhichTheSidecarOnlySaysThatItIsNotWritable() {
    DiskObservation unsaid =
        new DiskObservation(
            "vdo",
            "node",
            false,
            Optional.empty(),
            Optional.empty(),
            0,
            List.of(),
            List.of(),
            Optional.empty());

    assertThat(rejected(select(spec("vdo"), unsaid)).disks())
        .extracting(Disk::reason)
        .containsExactly(Reason.ReadOnly);
  }

  @Test
  void aReasonOfANewerSidecarDoesNotHinder() {
    DiskObservation odd =
        new DiskObservation(
            "vdo",
            "node",
            true,
            Optional.of(new DiskObservation.Ineligibility("BrandNew", "it is new")),
            Optional.empty(),
            0,
            List.of(),
            List.of(),
            Optional.empty());

    assertThat(select(skipping(), disk("vda"), odd))
        .isEqualTo(
            new Selected(
                List.of("vda"), List.of(new SkippedDisk("vdo", Reason.Unrecognized, "it is new"))));
  }

  private static DiskSelection select(VirtualMachineCheckpointSpec spec, DiskObservation... disks) {
    return DiskSelection.of(spec, List.of(disks));
  }

  private static Rejected rejected(DiskSelection selection) {
    assertThat(selection).isInstanceOf(Rejected.class);
    return (Rejected) selection;
  }

  private static DiskObservation[] disks(int count) {
    return IntStream.range(0, count).mapToObj(i -> disk("vd" + i)).toArray(DiskObservation[]::new);
  }
}
