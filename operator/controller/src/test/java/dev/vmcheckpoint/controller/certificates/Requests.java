package dev.vmcheckpoint.controller.certificates;

import dev.vmcheckpoint.controller.fixture.TestCluster;
import dev.vmcheckpoint.node.Pem;
import dev.vmcheckpoint.node.TlsException;
import dev.vmcheckpoint.node.TlsMaterial.Identity;
import io.fabric8.kubernetes.api.model.certificates.v1.CertificateSigningRequest;
import io.fabric8.kubernetes.api.model.certificates.v1.CertificateSigningRequestBuilder;
import io.fabric8.kubernetes.api.model.certificates.v1.CertificateSigningRequestCondition;
import io.fabric8.kubernetes.api.model.certificates.v1.CertificateSigningRequestStatus;
import io.fabric8.kubernetes.api.model.rbac.ClusterRoleBindingBuilder;
import io.fabric8.kubernetes.api.model.rbac.ClusterRoleBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.nio.charset.StandardCharsets;
import java.security.cert.X509Certificate;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** Requests for certificates as they reach the API server. Everybody may make them here. */
final class Requests {
  private static final String RIGHT = "test-requests";

  private final TestCluster cluster;

  Requests(TestCluster cluster) {
    this.cluster = cluster;
  }

  void permit() {
    cluster
        .admin()
        .resource(
            new ClusterRoleBuilder()
                .withNewMetadata()
                .withName(RIGHT)
                .endMetadata()
                .addNewRule()
                .withApiGroups("certificates.k8s.io")
                .withResources("certificatesigningrequests")
                .withVerbs("create")
                .endRule()
                .build())
        .serverSideApply();
    cluster
        .admin()
        .resource(
            new ClusterRoleBindingBuilder()
                .withNewMetadata()
                .withName(RIGHT)
                .endMetadata()
                .withNewRoleRef("rbac.authorization.k8s.io", "ClusterRole", RIGHT)
                .addNewSubject()
                .withKind("Group")
                .withApiGroup("rbac.authorization.k8s.io")
                .withName("system:authenticated")
                .endSubject()
                .build())
        .serverSideApply();
  }

  /** Who asks, from which nodes. */
  record Asker(String user, Map<String, List<String>> claims) {
    static Asker sidecarOf(String node) {
      return serviceAccount("vmcheckpoint-node:vmcheckpoint-sidecar", node);
    }

    static Asker serviceAccount(String name, String node) {
      return new Asker(
          "system:serviceaccount:" + name,
          Map.of("authentication.kubernetes.io/node-name", List.of(node)));
    }

    /** Its token is not bound to a pod. */
    Asker withoutNode() {
      return new Asker(user, Map.of());
    }
  }

  /** Asks in the way of a sidecar. */
  Request ask(Asker asker, Pkcs10 pkcs10) {
    return ask(asker, pkcs10.encoded(), "digital signature", "server auth");
  }

  Request ask(Asker asker, String pkcs10, String... usages) {
    try (KubernetesClient client =
        new KubernetesClientBuilder()
            .withConfig(cluster.configOf(asker.user(), asker.claims()))
            .build()) {
      CertificateSigningRequest created =
          client
              .resource(
                  new CertificateSigningRequestBuilder()
                      .withNewMetadata()
                      .withGenerateName("vmcheckpoint-sidecar-")
                      .endMetadata()
                      .withNewSpec()
                      .withSignerName("vmcheckpoint.dev/sidecar")
                      .withUsages(usages)
                      .withExpirationSeconds(86_400)
                      .withRequest(pkcs10)
                      .endSpec()
                      .build())
              .create();
      return new Request(cluster.admin(), created.getMetadata().getName());
    }
  }

  /** A sidecar's key with the certificate that it gets. */
  Identity identityOf(String node) {
    Pkcs10 pkcs10 = Pkcs10.ofNode(node);
    return new Identity(List.of(ask(Asker.sidecarOf(node), pkcs10).whenSigned()), pkcs10.key());
  }

  void deleteAll() {
    cluster.admin().certificates().v1().certificateSigningRequests().delete();
  }

  /** A request that was made. */
  record Request(KubernetesClient admin, String name) {
    CertificateSigningRequest get() {
      return Objects.requireNonNull(
          admin.certificates().v1().certificateSigningRequests().withName(name).get(), name);
    }

    private Optional<CertificateSigningRequestStatus> status() {
      return Optional.ofNullable(get().getStatus());
    }

    List<CertificateSigningRequestCondition> conditions() {
      return status().map(CertificateSigningRequestStatus::getConditions).orElse(List.of());
    }

    Optional<String> certificate() {
      return status().map(CertificateSigningRequestStatus::getCertificate);
    }

    /** Somebody with that right approves it by hand. */
    void approveByHand() {
      admin.certificates().v1().certificateSigningRequests().withName(name).approve();
    }

    X509Certificate whenSigned() {
      TestCluster.awaitThat("a certificate by " + name, () -> certificate().isPresent());
      try {
        return Pem.certificates(
                name,
                new String(
                    Base64.getDecoder().decode(certificate().orElseThrow()),
                    StandardCharsets.US_ASCII))
            .getFirst();
      } catch (TlsException e) {
        throw new IllegalStateException(e);
      }
    }

    /** Waits for the one condition of a type that says no. */
    CertificateSigningRequestCondition whenRefused(String type) {
      TestCluster.awaitThat(
          type + " of " + name,
          () -> conditions().stream().anyMatch(condition -> condition.getType().equals(type)));
      return conditions().stream()
          .filter(condition -> condition.getType().equals(type))
          .findFirst()
          .orElseThrow();
    }
  }
}
