package dev.vmcheckpoint.controller.certificates;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.controller.fixture.TestCluster;
import dev.vmcheckpoint.node.TlsMaterial;
import dev.vmcheckpoint.node.TlsSource;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * The operator calls a sidecar, each time over a new connection, while their authority is replaced:
 * the operator takes each step as soon as it can, the sidecar as late as it may.
 */
final class AuthorityRotationIT extends WithAuthorities {
  private volatile TlsMaterial sidecar = new TlsMaterial(List.of(), List.of());

  /** The sidecar reads again whom to believe. */
  private void sidecarReads() {
    sidecar = new TlsMaterial(sidecar.identities(), objects.onRecord());
  }

  /** The sidecar gets a new certificate. */
  private void sidecarRenews() {
    sidecar =
        new TlsMaterial(List.of(requests.identityOf(AnsweringSidecar.NODE)), sidecar.authorities());
  }

  private static void assertAnswered(TlsSource operator, AnsweringSidecar server) {
    assertThat(server.calledBy(operator)).isEqualTo(AnsweringSidecar.ANSWER);
  }

  @Test
  void theOperatorsOwnAuthorityIsReplacedWithoutOneFailedCall() throws Exception {
    assertReplacedWithoutOneFailedCall(objects::deleteSecret);
  }

  @Test
  void anotherToolsAuthorityIsReplacedByOneOfTheSameNameWithoutOneFailedCall() throws Exception {
    put(ForeignAuthority.of("EC", Instant.now()));

    assertReplacedWithoutOneFailedCall(() -> put(ForeignAuthority.of("EC", Instant.now())));
  }

  private void put(ForeignAuthority foreign) {
    objects.putSecret(foreign.certificatePem(), foreign.traditionalKeyPem());
  }

  private void assertReplacedWithoutOneFailedCall(Runnable replace) throws Exception {
    try (Replica leader = Replica.leading(CLUSTER).whenReady();
        AnsweringSidecar server = AnsweringSidecar.showing(() -> sidecar)) {
      // A Secret that is there already is read before this replica leads, and publishes it.
      TestCluster.awaitThat("the authority on record", () -> !objects.onRecord().isEmpty());
      sidecarReads();
      sidecarRenews();
      assertAnswered(leader.source(), server);
      X509Certificate before = objects.authority();

      replace.run();
      TestCluster.awaitThat(
          "both authorities on record",
          () -> {
            assertAnswered(leader.source(), server);
            return objects.onRecord().size() == 2;
          });
      assertThat(objects.authority()).isNotEqualTo(before);
      TestCluster.awaitThat(
          "the operator's new certificate",
          () -> {
            assertAnswered(leader.source(), server);
            return leader.source().current().identities().size() == 2;
          });

      sidecarReads();
      assertAnswered(leader.source(), server);
      sidecarRenews();
      assertAnswered(leader.source(), server);
    }
    assertAnsweredAfterARestart();
  }

  private void assertAnsweredAfterARestart() throws Exception {
    try (Replica another = Replica.start(CLUSTER).whenReady();
        AnsweringSidecar server = AnsweringSidecar.showing(() -> sidecar)) {
      assertAnswered(another.source(), server);
    }
  }
}
