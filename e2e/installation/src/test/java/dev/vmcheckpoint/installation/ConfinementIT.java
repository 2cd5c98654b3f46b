package dev.vmcheckpoint.installation;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.vmcheckpoint.api.fixture.ApiServer.Outcome;
import dev.vmcheckpoint.installation.fixture.Installed;
import dev.vmcheckpoint.installation.fixture.Manifest;
import dev.vmcheckpoint.installation.fixture.Programs;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodSecurityContext;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The components that confine the sidecar by a policy of its own: what they ask the node for. */
class ConfinementIT {
  @RegisterExtension static final Installed CLUSTER = new Installed();

  private static final String SIDECAR = "DaemonSet vmcheckpoint-node/vmcheckpoint-sidecar";
  private static final String CONTEXT = "/spec/template/spec/securityContext";

  /** A way to confine it. */
  enum Mechanism {
    SELINUX("seLinuxOptions", "type", "vmcheckpoint_sidecar.cil", "(type %s)"),
    APPARMOR("appArmorProfile", "localhostProfile", "vmcheckpoint-sidecar", "profile %s ");

    private final String field;
    private final String named;
    private final String policy;
    private final String declaration;

    Mechanism(String field, String named, String policy, String declaration) {
      this.field = field;
      this.named = named;
      this.policy = policy;
      this.declaration = declaration;
    }

    private Path folder() {
      return Installed.MANIFESTS.resolve("components").resolve(toString());
    }

    @Override
    public String toString() {
      return this == SELINUX ? "selinux" : "apparmor";
    }
  }

  /** The base with each component, as a user would write it. */
  @BeforeAll
  static void addEachToTheBase() throws IOException {
    for (Mechanism mechanism : Mechanism.values()) {
      Files.createDirectories(overlay(mechanism));
      Files.writeString(
          overlay(mechanism).resolve("kustomization.yaml"),
          """
          apiVersion: kustomize.config.k8s.io/v1beta1
          kind: Kustomization
          resources: [../../../../../manifests/base]
          components: [../../../../../manifests/components/%s]
          """
              .formatted(mechanism));
    }
  }

  @ParameterizedTest
  @EnumSource
  void changesOneFieldOfTheSidecarAndNothingElse(Mechanism mechanism) {
    Manifest base = CLUSTER.objects(CLUSTER.kustomized("base"));
    Manifest confined = CLUSTER.objects(kustomized(mechanism));

    assertThat(confined.objects()).containsOnlyKeys(base.objects().keySet());
    assertThat(confined.objects())
        .allSatisfy(
            (name, object) -> {
              JsonNode rest = object.deepCopy();
              if (name.equals(SIDECAR)) {
                assertThat(((ObjectNode) rest.at(CONTEXT)).remove(mechanism.field)).isNotNull();
              }
              assertThat(rest).isEqualTo(base.get(name));
            });
  }

  @ParameterizedTest
  @EnumSource
  void namesWhatThePolicyBesideItDeclares(Mechanism mechanism) throws IOException {
    JsonNode asked = CLUSTER.objects(kustomized(mechanism)).get(SIDECAR).at(CONTEXT);

    assertThat(Files.readString(mechanism.folder().resolve(mechanism.policy)))
        .contains(
            mechanism.declaration.formatted(
                asked.get(mechanism.field).get(mechanism.named).asText()));
  }

  @ParameterizedTest
  @EnumSource
  void isAcceptedWithoutAWarning(Mechanism mechanism) {
    Outcome outcome = CLUSTER.applyOnTrial(kustomized(mechanism));

    assertThat(outcome.output()).endsWith("(server dry run)\n").doesNotContain("Warning");
    assertThat(outcome.status()).isZero();
  }

  @ParameterizedTest
  @EnumSource
  void itsPodPassesThePolicyOfTheSidecarsPods(Mechanism mechanism) throws IOException {
    PodSecurityContext context =
        new ObjectMapper()
            .treeToValue(
                CLUSTER.objects(kustomized(mechanism)).get(SIDECAR).at(CONTEXT),
                PodSecurityContext.class);
    Pod pod = new Programs(CLUSTER).sidecarPod();
    pod.getSpec().setSecurityContext(context);

    Pod created = CLUSTER.admin().resource(pod).dryRun().create();

    assertThat(created.getSpec().getSecurityContext()).isEqualTo(context);
  }

  private static Path overlay(Mechanism mechanism) {
    return Path.of("target/confinement").resolve(mechanism.toString()).toAbsolutePath();
  }

  private static Path kustomized(Mechanism mechanism) {
    return CLUSTER.kustomized(overlay(mechanism).toString());
  }
}
