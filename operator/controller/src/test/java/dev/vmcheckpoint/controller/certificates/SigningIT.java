package dev.vmcheckpoint.controller.certificates;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vmcheckpoint.controller.certificates.Requests.Asker;
import dev.vmcheckpoint.controller.certificates.Requests.Request;
import dev.vmcheckpoint.controller.fixture.TestCluster;
import dev.vmcheckpoint.node.NodeTls;
import io.fabric8.kubernetes.api.model.certificates.v1.CertificateSigningRequest;
import io.fabric8.kubernetes.api.model.certificates.v1.CertificateSigningRequestCondition;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Requests at a real API server, which alone knows who makes them, and what comes of them. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class SigningIT {
  @RegisterExtension final TestCluster cluster = new TestCluster();

  private final Pkcs10 pkcs10 = Pkcs10.ofNode("node-1");
  private Requests requests = new Requests(cluster);
  private AutoCloseable leader = () -> {};

  @BeforeAll
  void lead() {
    requests = new Requests(cluster);
    requests.permit();
    leader = Replica.leading(cluster).whenReady();
  }

  @AfterAll
  void stop() throws Exception {
    leader.close();
    requests.deleteAll();
    new AuthorityObjects(cluster).deleteAll();
  }

  private static void assertDenied(Request request, String reason, String words) {
    CertificateSigningRequestCondition denied = request.whenRefused("Denied");
    assertThat(denied.getReason()).isEqualTo(reason);
    assertThat(denied.getMessage()).contains(words);
    assertThat(request.certificate()).isEmpty();
  }

  @Test
  void aSidecarIsGivenTheCertificateOfItsNode() throws Exception {
    Request request = requests.ask(Asker.sidecarOf("node-1"), pkcs10);

    X509Certificate certificate = request.whenSigned();

    assertThat(certificate.getPublicKey()).isEqualTo(pkcs10.publicKey());
    assertThat(NodeTls.dnsNames(certificate))
        .containsExactly("node-1.sidecar.vmcheckpoint.internal");
    assertThat(request.conditions())
        .extracting(CertificateSigningRequestCondition::getType)
        .containsExactly("Approved");
  }

  @Test
  void anotherServiceAccountIsDenied() {
    assertDenied(
        requests.ask(Asker.serviceAccount("shop:vmcheckpoint-sidecar", "node-1"), pkcs10),
        "NotTheSidecar",
        "only system:serviceaccount:vmcheckpoint-node:vmcheckpoint-sidecar");
  }

  @Test
  void aSidecarThatAsksForAnotherNodesNameIsDenied() {
    assertDenied(
        requests.ask(Asker.sidecarOf("node-2"), pkcs10),
        "WrongName",
        "CN=node-2.sidecar.vmcheckpoint.internal");
  }

  @Test
  void aTokenThatIsNotBoundToAPodIsDenied() {
    assertDenied(
        requests.ask(Asker.sidecarOf("node-1").withoutNode(), pkcs10),
        "NoNodeClaim",
        "names no node");
  }

  @Test
  void aSidecarThatAsksForTheOperatorsRoleIsDenied() {
    assertDenied(
        requests.ask(
            Asker.sidecarOf("node-1"), pkcs10.encoded(), "digital signature", "client auth"),
        "WrongUsages",
        "not for [digital signature, client auth]");
  }

  @Test
  void aSidecarThatAsksForTheOperatorsNameIsDenied() {
    assertDenied(
        requests.ask(
            Asker.sidecarOf("node-1"),
            Pkcs10.ofNode("node-1").names(Pkcs10.dns(NodeTls.OPERATOR_NAME))),
        "WrongName",
        "DNS:node-1");
  }

  @Test
  void aSidecarThatWantsToBeAnAuthorityIsDenied() {
    assertDenied(
        requests.ask(
            Asker.sidecarOf("node-1"),
            Pkcs10.ofNode("node-1").and(Extension.basicConstraints, new BasicConstraints(true))),
        "WrongExtensions",
        "not one of an authority");
  }

  @Test
  void aSidecarWithoutTheKeyIsRefusedByTheApiServerAlready() {
    assertThatThrownBy(
            () ->
                requests.ask(
                    Asker.sidecarOf("node-1"), pkcs10.forged(), "digital signature", "server auth"))
        .isInstanceOf(KubernetesClientException.class)
        .hasMessageContaining("spec.request");
  }

  @Test
  void anotherKindOfKeyIsDenied() {
    assertDenied(
        requests.ask(Asker.sidecarOf("node-1"), Pkcs10.ofNode("node-1").rsa()),
        "WrongKey",
        "P-256");
  }

  /** Whoever may make requests makes them as large as he likes. */
  @Test
  void ofARequestNothingIsKeptButItsVersion() {
    Request request = requests.ask(Asker.sidecarOf("node-1"), pkcs10);
    List<CertificateSigningRequest> told = new CopyOnWriteArrayList<>();
    SigningRequests watching =
        new SigningRequests(
            cluster.admin(),
            cluster.sidecarNamespace(),
            new HeldLeadership(),
            Clock.systemUTC(),
            new SimpleMeterRegistry());

    try (SharedIndexInformer<CertificateSigningRequest> watch = watching.watch(told::add)) {
      TestCluster.awaitThat(
          "the whole request",
          () ->
              told.stream()
                  .anyMatch(
                      one ->
                          one.getMetadata().getName().equals(request.name())
                              && !one.getSpec().getRequest().isEmpty()));

      assertThat(watch.getStore().list())
          .isNotEmpty()
          .allSatisfy(
              kept -> {
                assertThat(kept.getSpec()).isNull();
                assertThat(kept.getStatus()).isNull();
                assertThat(kept.getMetadata().getResourceVersion()).isNotEmpty();
              });
    }
  }
}
