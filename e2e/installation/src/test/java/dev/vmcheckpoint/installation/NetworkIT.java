package dev.vmcheckpoint.installation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.installation.fixture.Installed;
import dev.vmcheckpoint.installation.fixture.Programs;
import dev.vmcheckpoint.installation.fixture.Traffic;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What the installed NetworkPolicies say, read as a network would: that one obeys them is shown
 * nowhere, as the networks of test clusters do not.
 */
class NetworkIT {
  @RegisterExtension static final Installed CLUSTER = new Installed();

  private static final String SCRAPER_NAMESPACE = "monitoring";
  private static final String TENANT_NAMESPACE = "network-tenant";

  private final Traffic traffic = new Traffic(CLUSTER);
  private final Programs programs = new Programs(CLUSTER);

  @BeforeAll
  static void makeNamespaces() {
    CLUSTER.createNamespace(TENANT_NAMESPACE);
    CLUSTER
        .admin()
        .resource(
            new NamespaceBuilder()
                .withNewMetadata()
                .withName(SCRAPER_NAMESPACE)
                .addToLabels("vmcheckpoint.dev/scrapes-metrics", "true")
                .endMetadata()
                .build())
        .create();
  }

  @ParameterizedTest
  @CsvSource({
    "sidecar,  operator,                         8443, true",
    "sidecar,  operator,                         8080, false",
    "sidecar,  tenant,                           8443, false",
    "sidecar,  tenant-with-the-operators-labels, 8443, false",
    "sidecar,  stranger-beside-the-operator,     8443, false",
    "sidecar,  stranger-beside-the-sidecar,      8443, false",
    "sidecar,  another-sidecar,                  8443, false",
    "sidecar,  scraper,                          8443, false",
    "sidecar,  scraper,                          8080, true",
    "sidecar,  tenant,                           8080, false",
    "operator, scraper,                          8080, true",
    "operator, tenant,                           8080, false",
    "operator, sidecar,                          8080, false",
    "stranger-beside-the-operator, scraper,      8080, false",
    "stranger-beside-the-sidecar,  operator,     8443, false",
    "tenant,   scraper,                          8080, true",
  })
  void letsIn(String to, String from, int port, boolean yes) {
    assertThat(traffic.letsIn(pod(to), pod(from), port)).isEqualTo(yes);
  }

  @ParameterizedTest
  @CsvSource({
    "operator, sidecar,                              8443, true",
    "operator, sidecar,                              8080, false",
    "operator, stranger-beside-the-sidecar,          8443, false",
    "operator, tenant,                               8443, false",
    "sidecar,  operator,                             8080, false",
    "sidecar,  tenant,                               8443, false",
    "stranger-beside-the-operator, sidecar,          8443, false",
    "stranger-beside-the-sidecar,  tenant,           443,  false",
    "tenant,   sidecar,                              8443, true",
  })
  void letsOut(String from, String to, int port, boolean yes) {
    assertThat(traffic.letsOut(pod(from), pod(to), port)).isEqualTo(yes);
  }

  @ParameterizedTest
  @CsvSource({
    "operator, 443,  true",
    "operator, 6443, true",
    "operator, 53,   false",
    "operator, 22,   false",
    "sidecar,  443,  true",
    "sidecar,  6443, true",
    "sidecar,  53,   false",
    "stranger-beside-the-operator, 443, false",
    "stranger-beside-the-sidecar,  443, false",
  })
  void letsOutToWhatIsNoPod(String from, int port, boolean yes) {
    assertThat(traffic.letsOut(pod(from), port)).isEqualTo(yes);
  }

  private Pod pod(String name) {
    return switch (name) {
      case "operator" -> programs.operatorPod();
      case "sidecar", "another-sidecar" -> programs.sidecarPod();
      case "tenant" -> pod(TENANT_NAMESPACE, Map.of("app", "vm"));
      case "tenant-with-the-operators-labels" ->
          pod(TENANT_NAMESPACE, programs.operatorPod().getMetadata().getLabels());
      case "stranger-beside-the-operator" -> pod(Installed.OPERATOR_NAMESPACE, Map.of());
      case "stranger-beside-the-sidecar" -> pod(Installed.SIDECAR_NAMESPACE, Map.of());
      case "scraper" -> pod(SCRAPER_NAMESPACE, Map.of("app", "prometheus"));
      default -> throw new IllegalArgumentException("no pod is called " + name);
    };
  }

  private static Pod pod(String namespace, Map<String, String> labels) {
    return new PodBuilder()
        .withNewMetadata()
        .withNamespace(namespace)
        .withName("pod")
        .withLabels(labels)
        .endMetadata()
        .withNewSpec()
        .endSpec()
        .build();
  }
}
