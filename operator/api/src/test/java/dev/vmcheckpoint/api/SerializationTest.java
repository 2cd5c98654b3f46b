package dev.vmcheckpoint.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.api.VirtualMachineCheckpointSpec.Barrier;
import dev.vmcheckpoint.api.VirtualMachineCheckpointSpec.DiskRef;
import dev.vmcheckpoint.api.VirtualMachineCheckpointSpec.IneligibleDisks;
import dev.vmcheckpoint.api.VirtualMachineCheckpointSpec.VirtualMachineRef;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Disk;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Image;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.SkippedDisk;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Summary;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.VirtualMachine;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The types as fabric8's client reads and writes them. */
final class SerializationTest {
  private static final Instant NOON = Instant.parse("2026-05-04T12:00:00Z");
  private static final VirtualMachineCheckpointStatus UNTOUCHED =
      new VirtualMachineCheckpointStatus(
          -1, null, List.of(), null, null, List.of(), List.of(), null);

  private final KubernetesSerialization serialization = new KubernetesSerialization();

  @Test
  void aFullObjectSurvivesTheWayThroughJson() {
    VirtualMachineCheckpoint full = new VirtualMachineCheckpoint();
    full.getMetadata().setName("monday");
    full.setSpec(
        new VirtualMachineCheckpointSpec(
            new VirtualMachineRef("db-0"),
            List.of(new DiskRef("vda")),
            IneligibleDisks.Skip,
            "64Ki",
            Barrier.None));
    full.setStatus(
        new VirtualMachineCheckpointStatus(
            1,
            "token-7",
            List.of(new Condition("Ready", Condition.Status.True, "Established", "", NOON, 1L)),
            NOON,
            new VirtualMachine("db-0-x", "8d0c", "node1"),
            List.of(
                new Disk(
                    "vda",
                    DiskState.Recording,
                    Reason.Recording,
                    "recording",
                    "vmcp-1.2.vda",
                    "e1",
                    "#block123",
                    new Image("/top.qcow2", List.of("/base.qcow2"), "/data.raw"),
                    1L << 40,
                    65536L,
                    0L)),
            List.of(new SkippedDisk("vdb", Reason.NotQcow2, "raw")),
            new Summary(Reason.Recording, "1/1", "0")));

    VirtualMachineCheckpoint read =
        serialization.unmarshal(serialization.asJson(full), VirtualMachineCheckpoint.class);

    assertThat(read.getSpec()).isEqualTo(full.getSpec());
    assertThat(read.getStatus()).isEqualTo(full.getStatus());
  }

  @Test
  void absentMembersGetTheDefaultsOfTheSchema() {
    VirtualMachineCheckpointSpec spec =
        serialization.unmarshal(
            "{\"virtualMachineRef\": {\"name\": \"db-0\"}}", VirtualMachineCheckpointSpec.class);

    assertThat(spec)
        .isEqualTo(
            new VirtualMachineCheckpointSpec(
                new VirtualMachineRef("db-0"),
                List.of(),
                IneligibleDisks.Fail,
                null,
                Barrier.Flush));
  }

  @Test
  void whatIsAbsentIsNotWritten() {
    assertThat(serialization.asJson(UNTOUCHED)).isEqualTo("{\"observedGeneration\":-1}");
  }

  @Test
  void aNewObjectHasNeitherSpecNorStatus() {
    VirtualMachineCheckpoint bare = new VirtualMachineCheckpoint();

    assertThat(serialization.asJson(bare)).doesNotContain("spec", "status");
  }

  @Test
  void anEmptyMessageOfAConditionIsWrittenBecauseTheSchemaRequiresIt() {
    Condition condition =
        new Condition("Ready", Condition.Status.True, "Established", "", NOON, null);

    assertThat(serialization.asJson(condition)).contains("\"message\":\"\"");
  }

  @Test
  void timestampsHaveWholeSeconds() {
    VirtualMachineCheckpointStatus status =
        new VirtualMachineCheckpointStatus(
            1, null, List.of(), NOON.plusNanos(1), null, List.of(), List.of(), null);

    assertThat(serialization.asJson(status)).contains("\"creationTime\":\"2026-05-04T12:00:00Z\"");
  }

  @Test
  void statesAndReasonsOfAnotherVersionDoNotMakeAnObjectUnreadable() {
    Disk disk =
        serialization.unmarshal(
            "{\"name\": \"vda\", \"state\": \"Parked\", \"reason\": \"Sold\"}", Disk.class);

    assertThat(disk.state()).isEqualTo(DiskState.Unknown);
    assertThat(disk.reason()).isEqualTo(Reason.Unrecognized);
  }

  @Test
  void membersOfAnotherVersionAreIgnored() {
    VirtualMachineCheckpointStatus status =
        serialization.unmarshal(
            "{\"observedGeneration\": -1, \"mood\": {\"good\": true}}",
            VirtualMachineCheckpointStatus.class);

    assertThat(status).isEqualTo(UNTOUCHED);
  }

  @Test
  void aDiskWithoutWordsIsTheSameOnceItWasWrittenAndRead() {
    Disk silent = Disk.pending("vda", Reason.Creating, "");

    assertThat(serialization.unmarshal(serialization.asJson(silent), Disk.class)).isEqualTo(silent);
  }
}
