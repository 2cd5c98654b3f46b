package dev.vmcheckpoint.controller.decide;

import static java.util.Collections.nCopies;
import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.node.DiskImage;
import dev.vmcheckpoint.node.DiskObservation;
import dev.vmcheckpoint.node.EnsureResponse;
import dev.vmcheckpoint.node.EnsureResponse.CheckpointDisk;
import dev.vmcheckpoint.node.EpochResponse;
import dev.vmcheckpoint.node.ErrorCode;
import dev.vmcheckpoint.node.MachineObservation;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class NameLimitTest {
  private static final String PATH = "/var/lib/machines/db-0/" + "x".repeat(77);
  private static final String ENDLESS = "x".repeat(NameLimit.MAX_CHARACTERS);

  @Test
  void aMachineWithSixtyDisksOfTenLayersMayBeSeen() {
    DiskObservation disk = disk(new DiskImage(PATH, nCopies(9, PATH), Optional.empty()));

    assertThat(NameLimit.exceededBy(machine(nCopies(60, disk)))).isEmpty();
  }

  @Test
  void neitherImageNorBackingNorDataFileMayBeLonger() {
    assertThat(
            List.of(
                new DiskImage(ENDLESS, List.of(), Optional.empty()),
                new DiskImage(PATH, List.of(PATH, ENDLESS), Optional.empty()),
                new DiskImage(PATH, List.of(), Optional.of(ENDLESS))))
        .allSatisfy(
            image ->
                assertThat(NameLimit.exceededBy(machine(List.of(disk(image)))))
                    .hasValueSatisfying(
                        problem -> assertThat(problem.is(ErrorCode.MonitorProtocol)).isTrue()));
  }

  @Test
  void manyDisksMayNotBeLongerTogether() {
    DiskObservation disk = disk(new DiskImage("x".repeat(1024), List.of(), Optional.empty()));

    assertThat(NameLimit.exceededBy(machine(nCopies(64, disk)))).isPresent();
  }

  @Test
  void norWhatIsSaidOfDisksThatCannotBeCheckpointed() {
    DiskObservation disk =
        new DiskObservation(
            "vda",
            "n",
            true,
            Optional.of(new DiskObservation.Ineligibility("NoBitmaps", "x".repeat(4096))),
            Optional.empty(),
            1,
            List.of(),
            List.of(),
            Optional.empty());

    assertThat(NameLimit.exceededBy(machine(nCopies(16, disk)))).isPresent();
  }

  @Test
  void whatIsShownAfterACreationIsBoundedAsWell() {
    CheckpointDisk disk =
        new CheckpointDisk(
            "vda", "b", "e", "n", new DiskImage(ENDLESS, List.of(), Optional.empty()), 1, 512, 0);

    assertThat(NameLimit.exceededBy(new EnsureResponse(List.of(disk), false, true))).isPresent();
  }

  @Test
  void whatIsShownAfterARenewalIsBoundedAsWell() {
    DiskObservation disk = disk(new DiskImage(ENDLESS, List.of(), Optional.empty()));

    assertThat(NameLimit.exceededBy(new EpochResponse(List.of(disk), List.of()))).isPresent();
  }

  private static MachineObservation machine(List<DiskObservation> disks) {
    return new MachineObservation("10.0.0", "running", true, "none", disks);
  }

  private static DiskObservation disk(DiskImage image) {
    return new DiskObservation(
        "vda",
        "n",
        true,
        Optional.empty(),
        Optional.of(image),
        1,
        List.of(),
        List.of(),
        Optional.empty());
  }
}
