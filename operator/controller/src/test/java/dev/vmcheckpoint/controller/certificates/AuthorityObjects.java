package dev.vmcheckpoint.controller.certificates;

import dev.vmcheckpoint.controller.fixture.TestCluster;
import dev.vmcheckpoint.node.Pem;
import dev.vmcheckpoint.node.TlsException;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.SecretBuilder;
import io.fabric8.kubernetes.client.dsl.NonDeletingOperation;
import io.fabric8.kubernetes.client.dsl.Resource;
import java.nio.charset.StandardCharsets;
import java.security.cert.X509Certificate;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** The Secret and the ConfigMap, as a user sees and changes them. */
final class AuthorityObjects {
  private final TestCluster cluster;

  AuthorityObjects(TestCluster cluster) {
    this.cluster = cluster;
  }

  private Resource<Secret> secretResource() {
    return cluster
        .admin()
        .secrets()
        .inNamespace(cluster.operatorNamespace())
        .withName("vmcheckpoint-authority");
  }

  private Resource<ConfigMap> configMapResource() {
    return cluster
        .admin()
        .configMaps()
        .inNamespace(cluster.sidecarNamespace())
        .withName("vmcheckpoint-authorities");
  }

  Secret secret() {
    return Objects.requireNonNull(secretResource().get(), "the authority's Secret is not there");
  }

  /** The certificate in the Secret. */
  X509Certificate authority() {
    String encoded = secret().getData().get("tls.crt");
    return certificates(new String(Base64.getDecoder().decode(encoded), StandardCharsets.US_ASCII))
        .getFirst();
  }

  /** The certificates in the ConfigMap. */
  List<X509Certificate> onRecord() {
    return Optional.ofNullable(configMapResource().get())
        .map(map -> certificates(map.getData().getOrDefault("ca.crt", "")))
        .orElse(List.of());
  }

  private static List<X509Certificate> certificates(String pem) {
    try {
      return Pem.certificates("ca.crt", pem);
    } catch (TlsException e) {
      throw new IllegalStateException(e);
    }
  }

  void deleteSecret() {
    secretResource().delete();
  }

  /** Makes one as another owner does, or replaces what is in it. */
  void putSecret(String certificate, String key) {
    cluster
        .admin()
        .resource(
            new SecretBuilder()
                .withType("kubernetes.io/tls")
                .withNewMetadata()
                .withNamespace(cluster.operatorNamespace())
                .withName("vmcheckpoint-authority")
                .endMetadata()
                .withStringData(Map.of("tls.crt", certificate, "tls.key", key))
                .build())
        .createOr(NonDeletingOperation::update);
  }

  /** What somebody has written into the ConfigMap. */
  void record(String text) {
    cluster
        .admin()
        .resource(
            new ConfigMapBuilder()
                .withNewMetadata()
                .withNamespace(cluster.sidecarNamespace())
                .withName("vmcheckpoint-authorities")
                .endMetadata()
                .withData(Map.of("ca.crt", text))
                .build())
        .create();
  }

  void deleteAll() {
    secretResource().delete();
    configMapResource().delete();
  }
}
