package dev.vmcheckpoint.controller.observe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.api.DiskState;
import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.api.VirtualMachineCheckpointSpec;
import dev.vmcheckpoint.api.VirtualMachineCheckpointSpec.Barrier;
import dev.vmcheckpoint.api.VirtualMachineCheckpointSpec.IneligibleDisks;
import dev.vmcheckpoint.api.VirtualMachineCheckpointSpec.VirtualMachineRef;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Disk;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Image;
import dev.vmcheckpoint.controller.decide.Checkpoint;
import dev.vmcheckpoint.controller.decide.Look;
import dev.vmcheckpoint.controller.observe.HandedLooks.Handed;
import dev.vmcheckpoint.node.BitmapObservation;
import dev.vmcheckpoint.node.DiskObservation;
import dev.vmcheckpoint.node.MachineObservation;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

final class HandedLooksTest {
  private static final ResourceID ID = new ResourceID("name", "namespace");
  private static final Instant NOON = Instant.parse("2026-05-04T12:00:00Z");
  private static final Map<String, Look> LOOKS =
      Map.of("pod-1", new Look.Failed(Reason.MonitorBusy, "busy"));

  /** For how many machines that each show a mebibyte there is room. */
  private static final int ROOM = (int) (HandedLooks.MAX_BYTES >> 20);

  private static final Disk DISK = disk("epoch1", 65_536);

  private final HandedLooks handed = new HandedLooks();

  @Test
  void aLookServesOnce() {
    handed.hand(ID, new Handed("uid-1", List.of(DISK), LOOKS));

    assertThat(handed.take(ID, established(DISK))).isEqualTo(LOOKS);
    assertThat(handed.take(ID, established(DISK))).isEmpty();
  }

  @Test
  void aLookServesACheckpointThatIsNotYetEstablished() {
    handed.hand(ID, new Handed("uid-1", List.of(), LOOKS));

    assertThat(handed.take(ID, checkpoint(null, List.of(), null))).isEqualTo(LOOKS);
  }

  @Test
  void aLookThatBeganBeforeTheCheckpointWasEstablishedIsNoVerdictOnIt() {
    handed.hand(ID, new Handed("uid-1", List.of(), LOOKS));

    assertThat(handed.take(ID, established(DISK))).isEmpty();
  }

  @Test
  void aLookThatBeganBeforeTheMarkerOnRecordWasThereIsNoVerdict() {
    handed.hand(ID, new Handed("uid-1", List.of(DISK), LOOKS));

    assertThat(handed.take(ID, established(disk("epoch2", 65_536)))).isEmpty();
  }

  @Test
  void aLookThatBeganBeforeTheCountOnRecordWasReachedIsNoVerdict() {
    handed.hand(ID, new Handed("uid-1", List.of(DISK), LOOKS));

    assertThat(handed.take(ID, established(disk("epoch1", 131_072)))).isEmpty();
  }

  @Test
  void aLookThatMayHaveBegunBeforeAProbeWasAskedForDoesNotAnswerIt() {
    handed.hand(ID, new Handed("uid-1", List.of(DISK), LOOKS));

    assertThat(handed.take(ID, checkpoint(NOON, List.of(DISK), "probe-1"))).isEmpty();
  }

  @Test
  void aLookForAnotherResourceOfTheSameNameDoesNotServe() {
    handed.hand(ID, new Handed("uid-0", List.of(DISK), LOOKS));

    assertThat(handed.take(ID, established(DISK))).isEmpty();
  }

  @Test
  void looksForResourcesThatAreGoneAreForgotten() {
    handed.hand(ID, new Handed("uid-1", List.of(DISK), LOOKS));

    handed.retain(Set.of());

    assertThat(handed.take(ID, established(DISK))).isEmpty();
  }

  @Test
  void looksAreHandedOnlyAsLongAsThereIsRoom() {
    for (int machine = 0; machine < 2 * ROOM; machine++) {
      handed.hand(id(machine), new Handed("uid-1", List.of(DISK), large()));
    }

    assertThat(handed.take(id(ROOM - 1), established(DISK))).isNotEmpty();
    assertThat(handed.take(id(2 * ROOM - 1), established(DISK))).isEmpty();
  }

  @Test
  void whatWasTakenReplacedOrForgottenGivesItsRoomBack() {
    for (int round = 0; round < 3; round++) {
      for (int machine = 0; machine < ROOM; machine++) {
        handed.hand(id(machine), new Handed("uid-1", List.of(DISK), large()));
      }
      handed.hand(id(1), new Handed("uid-1", List.of(DISK), large()));
      assertThat(handed.take(id(0), established(DISK))).isNotEmpty();
      handed.retain(Set.of());
    }

    handed.hand(ID, new Handed("uid-1", List.of(DISK), large()));

    assertThat(handed.take(ID, established(DISK))).isNotEmpty();
  }

  @Test
  void theCheckpointsOfOneMachineShareTheRoomOfOneLook() {
    Map<String, Look> shared = large();
    for (int checkpoint = 0; checkpoint < 10 * ROOM; checkpoint++) {
      handed.hand(id(checkpoint), new Handed("uid-1", List.of(DISK), shared));
    }

    for (int checkpoint = 0; checkpoint < 10 * ROOM; checkpoint++) {
      assertThat(handed.take(id(checkpoint), established(DISK))).isEqualTo(shared);
    }
  }

  private static ResourceID id(int number) {
    return new ResourceID("name-" + number, "namespace");
  }

  /** What a machine shows that takes somewhat less than a mebibyte. */
  private static Map<String, Look> large() {
    BitmapObservation bitmap =
        new BitmapObservation(
            "vmcp-uid-1.a1." + "x".repeat(872),
            65_536,
            0,
            true,
            true,
            false,
            false,
            Optional.of(false));
    DiskObservation disk =
        new DiskObservation(
            "vda",
            "node",
            true,
            Optional.empty(),
            Optional.empty(),
            1L << 30,
            Collections.nCopies(1_024, bitmap),
            List.of(),
            Optional.empty());
    return Map.of(
        "pod-1",
        new Look.Seen(
            "start", new MachineObservation("10.0.0", "running", true, "none", List.of(disk))));
  }

  private static Disk disk(String epoch, long dirtyBytes) {
    return new Disk(
        "vda",
        DiskState.Recording,
        Reason.Recording,
        null,
        "vmcp-uid-1.a1.vda",
        epoch,
        "node",
        new Image("/vda.qcow2", List.of(), null),
        1L << 30,
        65_536L,
        dirtyBytes);
  }

  private static Checkpoint established(Disk disk) {
    return checkpoint(NOON, List.of(disk), null);
  }

  private static Checkpoint checkpoint(
      @Nullable Instant creationTime, List<Disk> disks, @Nullable String probe) {
    return new Checkpoint(
        "uid-1",
        1,
        new VirtualMachineCheckpointSpec(
            new VirtualMachineRef("db-0"), List.of(), IneligibleDisks.Fail, null, Barrier.Flush),
        new VirtualMachineCheckpointStatus(
            1, null, List.of(), creationTime, null, disks, List.of(), null),
        Optional.ofNullable(probe));
  }
}
