package dev.vmcheckpoint.installation;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.vmcheckpoint.api.VirtualMachineCheckpoint;
import dev.vmcheckpoint.api.fixture.ApiServer.Outcome;
import dev.vmcheckpoint.installation.fixture.Installed;
import dev.vmcheckpoint.installation.fixture.Manifest;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ResourceQuota;
import io.fabric8.kubernetes.api.model.ResourceQuotaStatusBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the API server says to base, overlays and the rendered file. */
class ManifestsIT {
  @RegisterExtension static final Installed CLUSTER = new Installed();

  private static final Path RENDER = Installed.MANIFESTS.resolve("render").toAbsolutePath();
  private static final List<String> PROGRAMS =
      List.of(
          "Deployment vmcheckpoint-system/vmcheckpoint-operator",
          "DaemonSet vmcheckpoint-node/vmcheckpoint-sidecar");

  @Test
  void theBaseIsInstalledWithoutAWarning() {
    assertThat(CLUSTER.installation().output()).doesNotContain("Warning").contains("serverside");
    assertThat(CLUSTER.installation().status()).isZero();
  }

  @ParameterizedTest
  @ValueSource(strings = {"base", "overlays/development", "overlays/production"})
  void isAcceptedWithoutAWarning(String folder) {
    assertAccepted(CLUSTER.applyOnTrial(CLUSTER.kustomized(folder)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"overlays/development", "overlays/production"})
  void anOverlayChangesNothingButThePrograms(String overlay) {
    Manifest base = CLUSTER.objects(CLUSTER.kustomized("base"));
    Manifest changed = CLUSTER.objects(CLUSTER.kustomized(overlay));

    assertThat(changed.objects()).containsOnlyKeys(base.objects().keySet());
    assertThat(changed.objects())
        .allSatisfy(
            (name, object) -> {
              if (PROGRAMS.contains(name)) {
                assertThat(object).isNotEqualTo(base.get(name));
              } else {
                assertThat(object).isEqualTo(base.get(name));
              }
            });
  }

  @ParameterizedTest
  @CsvSource({"base, 2", "overlays/development, 1", "overlays/production, 2"})
  void hasAsManyOperators(String folder, int replicas) {
    JsonNode operator = CLUSTER.objects(CLUSTER.kustomized(folder)).get(PROGRAMS.getFirst());

    assertThat(operator.at("/spec/replicas").asInt()).isEqualTo(replicas);
  }

  @Test
  void theQuotaOfTheSampleHoldsCheckpointsBack() {
    String namespace = CLUSTER.newNamespace(Map.of());
    KubernetesClient admin = CLUSTER.admin();
    ResourceQuota quota =
        admin
            .resourceQuotas()
            .inNamespace(namespace)
            .load(Installed.MANIFESTS.resolve("samples/resource-quota.yaml").toFile())
            .create();
    // Counting is a controller's work, and there is none.
    Map<String, Quantity> hard = quota.getSpec().getHard();
    quota.setStatus(new ResourceQuotaStatusBuilder().withHard(hard).withUsed(hard).build());
    admin.resource(quota).updateStatus();

    String[] create = {"create", "--namespace", namespace, "-f", sample("checkpoint.yaml")};
    String[] onTrial =
        Stream.concat(Stream.of(create), Stream.of("--dry-run=server")).toArray(String[]::new);
    Installed.until(
        "the quota", () -> CLUSTER.kubectl(onTrial).output().contains("exceeded quota"));

    assertThat(CLUSTER.kubectl(create).output())
        .contains(
            "exceeded quota: checkpoints, requested:"
                + " count/virtualmachinecheckpoints.vmcheckpoint.dev=1");
    assertThat(admin.resources(VirtualMachineCheckpoint.class).inNamespace(namespace).list())
        .satisfies(list -> assertThat(list.getItems()).isEmpty());
  }

  @ParameterizedTest
  @ValueSource(strings = {"base", "chart/templates"})
  void everyRoleHasAFileWithItsBindingAndNothingElse(String folder) throws IOException {
    List<String> files = new ArrayList<>();
    try (Stream<Path> all = Files.walk(Installed.MANIFESTS.resolve(folder))) {
      for (Path file : all.filter(path -> path.toString().endsWith(".yaml")).sorted().toList()) {
        files.add(
            Files.readAllLines(file).stream()
                .filter(line -> line.startsWith("kind: "))
                .map(line -> line.substring("kind: ".length()))
                .collect(Collectors.joining(" ")));
      }
    }

    assertThat(files)
        .filteredOn(kinds -> kinds.contains("Role"))
        .isNotEmpty()
        .allSatisfy(
            kinds ->
                assertThat(kinds)
                    .isIn("Role RoleBinding", "ClusterRole ClusterRoleBinding", "ClusterRole"));
  }

  @Test
  void theRenderedFileIsTheBase() {
    Path rendered = CLUSTER.file(CLUSTER.run(RENDER).output());

    assertThat(CLUSTER.objects(rendered)).isEqualTo(CLUSTER.objects(CLUSTER.kustomized("base")));
    assertAccepted(CLUSTER.applyOnTrial(rendered));
  }

  @Test
  void anOverlayCanBeRendered() {
    Path rendered = CLUSTER.file(CLUSTER.run(RENDER, "--overlay", "production").output());

    assertThat(CLUSTER.objects(rendered))
        .isEqualTo(CLUSTER.objects(CLUSTER.kustomized("overlays/production")));
  }

  @Test
  void theRenderedFileNamesTheImagesOfARelease() {
    String digest = "sha256:" + "0a".repeat(32);

    Outcome rendered =
        CLUSTER.run(
            RENDER,
            "--operator-image",
            "registry.example:5000/operator@" + digest,
            "--sidecar-image",
            "registry.example:5000/sidecar:1.0");

    assertThat(rendered.output().lines().map(String::strip))
        .filteredOn(line -> line.startsWith("image: "))
        .containsExactlyInAnyOrder(
            "image: registry.example:5000/operator@" + digest,
            "image: registry.example:5000/sidecar:1.0");
  }

  @ParameterizedTest
  @CsvSource(
      textBlock =
          """
          --overlay staging,                render: --overlay: there is no 'staging'; there are: cert-manager development production
          --overlay,                        render: --overlay needs a value
          --sidecar-image sidecar,          'render: --sidecar-image needs name:tag or name@sha256:digest, not ''sidecar'''
          --operator-image o@sha256:abc,    'render: --operator-image needs name:tag or name@sha256:digest, not ''o@sha256:abc'''
          --tag 1.0,                        render: unknown argument '--tag'; --help lists what there is
          """)
  void renderRefuses(String arguments, String answer) {
    Outcome outcome = CLUSTER.run(RENDER, arguments.split(" "));

    assertThat(outcome.status()).isEqualTo(2);
    assertThat(outcome.output()).isEqualToIgnoringNewLines(answer);
  }

  private static String sample(String name) {
    return Installed.MANIFESTS.resolve("samples").resolve(name).toString();
  }

  private static void assertAccepted(Outcome outcome) {
    assertThat(outcome.output()).endsWith("(server dry run)\n").doesNotContain("Warning");
    assertThat(outcome.status()).isZero();
  }
}
