package dev.vmcheckpoint.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.vmcheckpoint.api.VirtualMachineCheckpointSpec.Barrier;
import dev.vmcheckpoint.api.VirtualMachineCheckpointSpec.IneligibleDisks;
import dev.vmcheckpoint.api.VirtualMachineCheckpointSpec.VirtualMachineRef;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Disk;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Summary;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.VirtualMachine;
import dev.vmcheckpoint.api.fixture.ApiServer;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What the API server makes of a resource, and what kubectl shows of it. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class DisplayIT {
  @RegisterExtension static final ApiServer API = new ApiServer();

  private static final String UNTOUCHED = "untouched";
  private static final String ESTABLISHED = "established";

  private final VirtualMachineCheckpointStatus status =
      established(Instant.now().minus(3, ChronoUnit.HOURS));

  @BeforeAll
  void makeResources() {
    create(UNTOUCHED);
    VirtualMachineCheckpoint established = create(ESTABLISHED);
    established.setStatus(status);
    API.client().resource(established).updateStatus();
  }

  @Test
  void theDefaultsOfTheSpecAreWrittenOut() {
    assertThat(get(UNTOUCHED).getSpec())
        .isEqualTo(
            new VirtualMachineCheckpointSpec(
                new VirtualMachineRef("db-0"),
                List.of(),
                IneligibleDisks.Fail,
                null,
                Barrier.Flush));
  }

  @Test
  void anUntouchedResourceHasAStatusThatIsOlderThanItsSpec() {
    VirtualMachineCheckpoint untouched = get(UNTOUCHED);

    assertThat(untouched.getStatus().observedGeneration())
        .isEqualTo(-1)
        .isLessThan(untouched.getMetadata().getGeneration());
  }

  @Test
  void whatWasWrittenIsReadBack() {
    assertThat(get(ESTABLISHED).getStatus()).isEqualTo(status);
  }

  @Test
  void theColumnsTellHowItStands() throws Exception {
    List<String> table = kubectl("get", "vmcp", ESTABLISHED);

    assertThat(table.getFirst().split(" +"))
        .containsExactly("NAME", "VM", "READY", "VALID", "REASON", "DISKS", "DIRTY", "AGE");
    assertThat(table.get(1))
        .matches("established +db-0 +True +Unknown +DisksUnknown +1/2 +1.4Gi +[0-9]+s *");
  }

  @Test
  void theWideColumnsTellWhereAndSinceWhen() throws Exception {
    List<String> table = kubectl("get", "vmcp", ESTABLISHED, "--output=wide");

    assertThat(table.getFirst()).matches(".* AGE +NODE +CREATED *");
    assertThat(table.get(1)).matches(".* node1 +3h *");
  }

  @Test
  void aResourceThatTheOperatorHasNotSeenShowsNothingButItsMachine() throws Exception {
    assertThat(kubectl("get", "vmcp", UNTOUCHED).get(1)).matches("untouched +db-0 +[0-9]+s *");
  }

  @Test
  void theCategoryListsIt() throws Exception {
    assertThat(kubectl("get", "vmcheckpoint", "--output=name"))
        .contains("virtualmachinecheckpoint.vmcheckpoint.dev/" + ESTABLISHED);
  }

  @Test
  void kubectlExplainsAMember() {
    // The API server publishes a new schema a moment after it serves the resource.
    await()
        .atMost(Duration.ofSeconds(60))
        .untilAsserted(
            () ->
                assertThat(String.join(" ", kubectl("explain", "vmcp.status.disks.state")))
                    .contains("FIELD: state <string>")
                    .containsPattern("Recording: the last look saw\\s+the bitmap whole"));
  }

  @Test
  void kubectlWaitsForReady() throws Exception {
    assertThat(
            kubectl(
                "wait",
                "--for=condition=Ready",
                "--timeout=5s",
                "virtualmachinecheckpoints/" + ESTABLISHED))
        .containsExactly("virtualmachinecheckpoint.vmcheckpoint.dev/established condition met");
  }

  private static VirtualMachineCheckpoint create(String name) {
    return API.client()
        .resource(
            Serialization.unmarshal(
                """
                apiVersion: vmcheckpoint.dev/v1alpha1
                kind: VirtualMachineCheckpoint
                metadata: {name: %s}
                spec: {virtualMachineRef: {name: db-0}}
                """
                    .formatted(name),
                VirtualMachineCheckpoint.class))
        .create();
  }

  private static VirtualMachineCheckpointStatus established(Instant creationTime) {
    return new VirtualMachineCheckpointStatus(
        1,
        "backup-4711",
        Conditions.none()
            .with(
                ConditionType.Ready, Condition.Status.True, Reason.Established, "", 1, creationTime)
            .with(
                ConditionType.Valid,
                Condition.Status.Unknown,
                Reason.DisksUnknown,
                "vdb: Detached",
                1,
                creationTime)
            .list(),
        creationTime,
        new VirtualMachine("db-0-x7k2p", "0a3ab7f5-3d1e-4f0e-9b0e-2f1c7c1f6a55", "node1"),
        List.of(
            disk("vda", DiskState.Recording, Reason.Recording),
            disk("vdb", DiskState.Unknown, Reason.Detached)),
        List.of(),
        new Summary(Reason.DisksUnknown, "1/2", "1.4Gi"));
  }

  private static Disk disk(String name, DiskState state, Reason reason) {
    return new Disk(
        name,
        state,
        reason,
        "a sentence",
        "vmcp-6f0c2a0e-2f43-4a39-9d83-0b5f9f6f3c11.k7q2." + name,
        "5hx0",
        null,
        null,
        1L << 40,
        65536L,
        1_503_238_554L);
  }

  private static VirtualMachineCheckpoint get(String name) {
    return API.client().resources(VirtualMachineCheckpoint.class).withName(name).require();
  }

  private static List<String> kubectl(String... arguments) throws Exception {
    ApiServer.Outcome outcome = API.kubectl(arguments);
    assertThat(outcome.status()).as(outcome.output()).isZero();
    return Arrays.asList(outcome.output().split("\n"));
  }
}
