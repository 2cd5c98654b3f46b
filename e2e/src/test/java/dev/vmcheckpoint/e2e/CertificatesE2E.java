package dev.vmcheckpoint.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.vmcheckpoint.e2e.fixture.Certificates;
import dev.vmcheckpoint.e2e.fixture.Checkpoint;
import dev.vmcheckpoint.e2e.fixture.Cluster;
import dev.vmcheckpoint.e2e.fixture.Disk;
import dev.vmcheckpoint.e2e.fixture.Installation;
import dev.vmcheckpoint.e2e.fixture.Installation.Calls;
import dev.vmcheckpoint.e2e.fixture.Installation.Program;
import dev.vmcheckpoint.e2e.fixture.RunningMachine;
import dev.vmcheckpoint.e2e.fixture.VirtualMachine;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Who may talk to whom, and that replacing what proves it costs nothing. */
class CertificatesE2E {
  @RegisterExtension static final Cluster CLUSTER = new Cluster("certificates");

  private final Installation installation = new Installation(CLUSTER);
  private final Certificates certificates = new Certificates(CLUSTER);

  @Test
  void eachSidecarShowsACertificateForItsNode() {
    assertThat(List.of(Cluster.FIRST_NODE, Cluster.SECOND_NODE))
        .allSatisfy(
            node ->
                assertThat(certificates.namesShownBy(node))
                    .containsExactly(node + ".sidecar.vmcheckpoint.internal"));
  }

  @Test
  void aNewAuthorityCostsNoCall() {
    RunningMachine.start(CLUSTER, VirtualMachine.named("rotated", Disk.qcow2("vda")));
    Checkpoint checkpoint = Checkpoint.apply(CLUSTER, "rotated", "rotated").whenReady();
    String before = certificates.authority();
    Calls callsBefore = installation.calls();

    certificates.forgetAuthority();

    AtomicInteger probes = new AtomicInteger();
    await("the new authority being believed")
        .atMost(Cluster.PATIENCE)
        .until(
            () -> {
              assertRecording(checkpoint.probe("during-" + probes.incrementAndGet()));
              return certificates.isBelievedBesideEarlierOnes(Cluster.FIRST_NODE);
            });
    Calls calls = installation.calls().since(callsBefore);
    assertThat(certificates.authority()).isNotEqualTo(before);
    assertThat(calls.answered()).isGreaterThanOrEqualTo(probes.get());
    assertThat(calls.failed()).isZero();
    // Both begin with nothing but the new authority.
    installation.replace(Program.SIDECAR);
    assertThat(certificates.issuerShownBy(Cluster.FIRST_NODE)).isEqualTo(certificates.authority());
    installation.replace(Program.OPERATOR);
    assertRecording(checkpoint.probe("afterwards"));
    System.out.printf(
        "FIGURE %-36s %d probes, %d calls, %d failed%n",
        "while the authority was replaced:", probes.get(), calls.answered(), calls.failed());
  }

  @Test
  void noSecretIsInALogAnEventAStatusAnArgumentOrAVariable() {
    RunningMachine.start(CLUSTER, VirtualMachine.named("secrets", Disk.qcow2("vda")));
    Checkpoint.apply(CLUSTER, "secrets", "secrets").whenReady();
    List<String> secrets = certificates.secrets();

    assertThat(secrets).hasSizeGreaterThanOrEqualTo(3);
    assertThat(certificates.everythingThatIsSaid())
        .hasSizeGreaterThan(10)
        .allSatisfy((where, said) -> assertThat(secrets).as(where).noneMatch(said::contains));
  }

  @Test
  void aSidecarCannotAskForAnotherNodesCertificate() {
    String request =
        certificates.requestAs(
            Cluster.FIRST_NODE, Cluster.SECOND_NODE + ".sidecar.vmcheckpoint.internal");

    await("the decision")
        .atMost(Cluster.PATIENCE)
        .until(() -> certificates.decisionOn(request).startsWith("Denied"));
    assertThat(certificates.decisionOn(request)).contains(Cluster.FIRST_NODE);
  }

  private static void assertRecording(Checkpoint checkpoint) {
    assertThat(checkpoint.disk("vda").path("state").asText())
        .as(checkpoint.status().toPrettyString())
        .isEqualTo("Recording");
  }
}
