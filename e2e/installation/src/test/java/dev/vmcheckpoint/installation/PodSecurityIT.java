package dev.vmcheckpoint.installation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.api.fixture.ApiServer.Outcome;
import dev.vmcheckpoint.installation.fixture.Installed;
import dev.vmcheckpoint.installation.fixture.Programs;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What Pod Security says to the programs' pods in their namespaces. */
class PodSecurityIT {
  @RegisterExtension static final Installed CLUSTER = new Installed();

  private final Programs programs = new Programs(CLUSTER);

  @Test
  void theOperatorsPodPassesItsNamespaceWithoutAWarning() {
    Outcome outcome = createOnTrial(programs.operatorPod());

    assertThat(outcome.output()).endsWith("created (server dry run)\n").doesNotContain("Warning");
    assertThat(outcome.status()).isZero();
  }

  @Test
  void theOperatorsNamespaceEnforcesRestricted() {
    Pod mayGainPrivileges =
        new PodBuilder(programs.operatorPod())
            .editSpec()
            .editFirstContainer()
            .withSecurityContext(null)
            .endContainer()
            .endSpec()
            .build();

    Outcome outcome = createOnTrial(mayGainPrivileges);

    assertThat(outcome.output()).contains("violates PodSecurity \"restricted:latest\"");
    assertThat(outcome.status()).isNotZero();
  }

  @Test
  void theSidecarsPodPassesItsNamespaceWithoutAWarning() {
    Outcome outcome = createOnTrial(programs.sidecarPod());

    assertThat(outcome.output()).endsWith("created (server dry run)\n").doesNotContain("Warning");
    assertThat(outcome.status()).isZero();
  }

  @Test
  void theSidecarsOneExceptionIsItsFolderOfTheNode() {
    Pod elsewhere = programs.sidecarPod();
    elsewhere
        .getMetadata()
        .setNamespace(
            CLUSTER.newNamespace(Map.of("pod-security.kubernetes.io/enforce", "restricted")));
    elsewhere.getSpec().setServiceAccountName(null);

    Outcome outcome = createOnTrial(elsewhere);

    assertThat(outcome.output().strip())
        .endsWith(
            "violates PodSecurity \"restricted:latest\": restricted volume types"
                + " (volume \"pods\" uses restricted volume type \"hostPath\")");
  }

  private static Outcome createOnTrial(Pod pod) {
    return CLUSTER.kubectl(
        "create", "--dry-run=server", "-f", CLUSTER.file(Serialization.asYaml(pod)).toString());
  }
}
