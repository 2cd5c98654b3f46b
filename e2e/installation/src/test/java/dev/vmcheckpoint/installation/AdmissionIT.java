package dev.vmcheckpoint.installation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vmcheckpoint.api.VirtualMachineCheckpoint;
import dev.vmcheckpoint.api.WellKnown;
import dev.vmcheckpoint.api.fixture.ApiServer.Outcome;
import dev.vmcheckpoint.installation.fixture.Installed;
import io.fabric8.kubernetes.api.model.DeletionPropagation;
import io.fabric8.kubernetes.api.model.rbac.ClusterRoleBindingBuilder;
import io.fabric8.kubernetes.api.model.rbac.ClusterRoleBuilder;
import io.fabric8.kubernetes.api.model.rbac.PolicyRule;
import io.fabric8.kubernetes.api.model.rbac.PolicyRuleBuilder;
import io.fabric8.kubernetes.api.model.rbac.RoleBindingBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.Resource;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * What admission policies hold back and what they let through, each by a real attempt of somebody
 * whom RBAC permits it.
 */
class AdmissionIT {
  @RegisterExtension static final Installed CLUSTER = new Installed();

  private static final String OWNER = "owner-of-the-namespace";
  private static final String RESCUER = "rescuer";
  private static final String GARBAGE_COLLECTOR =
      "system:serviceaccount:kube-system:generic-garbage-collector";
  private static final String NAMESPACE_CONTROLLER =
      "system:serviceaccount:kube-system:namespace-controller";

  private static final String STATUS = "virtualmachinecheckpoints/status.vmcheckpoint.dev";
  private static final String STATUS_DENIED = "only the operator writes the status of a checkpoint";
  private static final String FINALIZER_DENIED =
      "the finalizer vmcheckpoint.dev/bitmaps is the operator's to remove";

  private static final PatchContext MERGE = PatchContext.of(PatchType.JSON_MERGE);
  private static final PatchContext TRIAL =
      new PatchContext.Builder()
          .withPatchType(PatchType.JSON_MERGE)
          .withDryRun(List.of("All"))
          .build();
  private static final String FORGED_STATUS = "{\"status\": {\"observedGeneration\": 1}}";
  private static final String NO_FINALIZERS = "{\"metadata\": {\"finalizers\": null}}";

  private static final Pattern CODE = Pattern.compile("```sh\\n(.*?)```", Pattern.DOTALL);

  private String namespace = "";

  @BeforeAll
  static void makeARoleThatMayRescueCheckpoints() {
    CLUSTER
        .admin()
        .resource(
            new ClusterRoleBuilder()
                .withNewMetadata()
                .withName(RESCUER)
                .endMetadata()
                .addToRules(
                    rule("virtualmachinecheckpoints", "get", "patch"),
                    rule("virtualmachinecheckpoints/finalizers", "update"),
                    rule("virtualmachinecheckpoints/status", "patch"))
                .build())
        .create();
    CLUSTER
        .admin()
        .resource(
            new ClusterRoleBindingBuilder()
                .withNewMetadata()
                .withName(RESCUER)
                .endMetadata()
                .withNewRoleRef("rbac.authorization.k8s.io", "ClusterRole", RESCUER)
                .addNewSubject("rbac.authorization.k8s.io", "User", RESCUER, null)
                .build())
        .create();
    Installed.until(
        "the rights of the rescuer", () -> CLUSTER.allows(RESCUER, "patch", STATUS, "-", ""));
  }

  /** The API server puts new policies into force a moment after they were made. */
  @BeforeAll
  static void waitForThePolicies() {
    Resource<VirtualMachineCheckpoint> owned =
        monday(CLUSTER.as(OWNER), newNamespaceWithACheckpoint());

    Installed.untilRefused(
        STATUS_DENIED, () -> owned.subresource("status").patch(TRIAL, FORGED_STATUS));
    Installed.untilRefused(FINALIZER_DENIED, () -> owned.patch(TRIAL, NO_FINALIZERS));
  }

  private static PolicyRule rule(String resource, String... verbs) {
    return new PolicyRuleBuilder()
        .withApiGroups(WellKnown.GROUP)
        .withResources(resource)
        .withVerbs(verbs)
        .build();
  }

  @BeforeEach
  void makeACheckpointInANamespaceWhoseOwnerMayDoEverythingThere() {
    namespace = newNamespaceWithACheckpoint();
  }

  private static String newNamespaceWithACheckpoint() {
    String namespace = CLUSTER.newNamespace(Map.of());
    CLUSTER
        .admin()
        .resource(
            new RoleBindingBuilder()
                .withNewMetadata()
                .withNamespace(namespace)
                .withName(OWNER)
                .endMetadata()
                .withNewRoleRef("rbac.authorization.k8s.io", "ClusterRole", "cluster-admin")
                .addNewSubject("rbac.authorization.k8s.io", "User", OWNER, null)
                .build())
        .create();
    CLUSTER
        .admin()
        .resource(
            CLUSTER
                .admin()
                .getKubernetesSerialization()
                .unmarshal(
                    """
                    apiVersion: vmcheckpoint.dev/v1alpha1
                    kind: VirtualMachineCheckpoint
                    metadata: {name: monday, namespace: %s, finalizers: [%s]}
                    spec: {virtualMachineRef: {name: db-0}}
                    """
                        .formatted(namespace, WellKnown.FINALIZER),
                    VirtualMachineCheckpoint.class))
        .create();
    Installed.until(
        "the rights of the owner", () -> CLUSTER.allows(OWNER, "patch", STATUS, namespace, ""));
    return namespace;
  }

  @Test
  void theOwnerOfANamespaceWritesNoStatus() {
    assertThatThrownBy(() -> forgeStatus(CLUSTER.as(OWNER))).hasMessageContaining(STATUS_DENIED);
  }

  @Test
  void theOwnerOfANamespaceReplacesNoStatus() {
    VirtualMachineCheckpoint monday = mondayOf(CLUSTER.admin()).get();

    assertThatThrownBy(() -> CLUSTER.as(OWNER).resource(monday).updateStatus())
        .hasMessageContaining(STATUS_DENIED);
  }

  @Test
  void aClusterAdministratorWritesNoStatus() {
    assertThatThrownBy(() -> forgeStatus(CLUSTER.admin())).hasMessageContaining(STATUS_DENIED);
  }

  @Test
  void aServiceAccountOfTheOperatorsNameInAnotherNamespaceWritesNoStatus() {
    String impostor = "system:serviceaccount:%s:vmcheckpoint-operator".formatted(namespace);

    assertThatThrownBy(() -> forgeStatus(CLUSTER.as(impostor, "system:masters")))
        .hasMessageContaining(STATUS_DENIED);
  }

  @Test
  void theOperatorWritesTheStatus() {
    forgeStatus(CLUSTER.as(Installed.OPERATOR));

    assertThat(mondayOf(CLUSTER.admin()).get().getStatus().observedGeneration()).isEqualTo(1);
  }

  @Test
  void theOwnerOfANamespaceRemovesNoFinalizerByAPatch() {
    assertThatThrownBy(() -> mondayOf(CLUSTER.as(OWNER)).patch(MERGE, NO_FINALIZERS))
        .hasMessageContaining(FINALIZER_DENIED);
  }

  @Test
  void theOwnerOfANamespaceRemovesNoFinalizerByAReplacement() {
    VirtualMachineCheckpoint monday = mondayOf(CLUSTER.admin()).get();
    monday.getMetadata().setFinalizers(List.of());

    assertThatThrownBy(() -> CLUSTER.as(OWNER).resource(monday).update())
        .hasMessageContaining(FINALIZER_DENIED);
  }

  @Test
  void theOwnerOfANamespaceRemovesNoFinalizerOfWhatIsBeingDeleted() {
    mondayOf(CLUSTER.as(OWNER)).delete();

    assertThatThrownBy(() -> mondayOf(CLUSTER.as(OWNER)).patch(MERGE, NO_FINALIZERS))
        .hasMessageContaining(FINALIZER_DENIED);
    assertThat(mondayOf(CLUSTER.admin()).get().isMarkedForDeletion()).isTrue();
  }

  @Test
  void theOwnerOfANamespaceDoesEverythingElse() {
    mondayOf(CLUSTER.as(OWNER))
        .patch(
            MERGE,
            """
            {"metadata": {"annotations": {"vmcheckpoint.dev/probe-requested-at": "1"},
                          "finalizers": ["vmcheckpoint.dev/bitmaps", "example.com/mine"]}}
            """);
    mondayOf(CLUSTER.as(OWNER))
        .patch(MERGE, "{\"metadata\": {\"finalizers\": [\"vmcheckpoint.dev/bitmaps\"]}}");

    assertThat(mondayOf(CLUSTER.admin()).get().getMetadata().getAnnotations())
        .containsEntry(WellKnown.PROBE_REQUESTED_AT, "1");
  }

  @Test
  void theOperatorRemovesItsFinalizer() {
    mondayOf(CLUSTER.as(OWNER)).delete();

    mondayOf(CLUSTER.as(Installed.OPERATOR)).patch(MERGE, NO_FINALIZERS);

    assertThat(mondayOf(CLUSTER.admin()).get()).isNull();
  }

  @Test
  void aClusterAdministratorWithoutAnOperatorRemovesTheFinalizer() {
    mondayOf(CLUSTER.admin()).delete();

    mondayOf(CLUSTER.admin()).patch(MERGE, NO_FINALIZERS);

    assertThat(mondayOf(CLUSTER.admin()).get()).isNull();
  }

  @Test
  void theDocumentedWayOutLetsCheckpointsGoWithoutAnOperator() throws IOException {
    String document = Files.readString(Path.of("../../docs/installation.md"));
    String wayOut =
        CODE.matcher(document)
            .results()
            .map(block -> block.group(1))
            .filter(block -> block.contains("finalizers"))
            .findFirst()
            .orElseThrow();
    mondayOf(CLUSTER.admin()).delete();

    Outcome outcome = CLUSTER.run(Path.of("bash"), "-euo", "pipefail", "-c", wayOut);

    assertThat(outcome.status()).as(outcome.output()).isZero();
    assertThat(mondayOf(CLUSTER.admin()).get()).isNull();
  }

  @Test
  void whoeverMayUpdateFinalizersInAllNamespacesRemovesIt() {
    mondayOf(CLUSTER.admin()).delete();

    mondayOf(CLUSTER.as(RESCUER)).patch(MERGE, NO_FINALIZERS);

    assertThat(mondayOf(CLUSTER.admin()).get()).isNull();
  }

  @Test
  void whoeverMayPatchStatusesInAllNamespacesWritesNone() {
    assertThatThrownBy(() -> forgeStatus(CLUSTER.as(RESCUER))).hasMessageContaining(STATUS_DENIED);
  }

  @Test
  void theGarbageCollectorTakesItsOwnFinalizerAway() {
    mondayOf(CLUSTER.as(OWNER)).withPropagationPolicy(DeletionPropagation.FOREGROUND).delete();
    assertThat(mondayOf(CLUSTER.admin()).get().getMetadata().getFinalizers())
        .containsExactlyInAnyOrder(WellKnown.FINALIZER, "foregroundDeletion");

    mondayOf(CLUSTER.as(GARBAGE_COLLECTOR))
        .patch(MERGE, "{\"metadata\": {\"finalizers\": [\"vmcheckpoint.dev/bitmaps\"]}}");

    assertThat(mondayOf(CLUSTER.admin()).get().getMetadata().getFinalizers())
        .containsExactly(WellKnown.FINALIZER);
  }

  @Test
  void theEndOfANamespaceIsNotHeldUpByAPolicy() {
    assertThatCode(
            () ->
                CLUSTER
                    .as(NAMESPACE_CONTROLLER)
                    .resources(VirtualMachineCheckpoint.class)
                    .inNamespace(namespace)
                    .delete())
        .doesNotThrowAnyException();
    mondayOf(CLUSTER.as(Installed.OPERATOR)).patch(MERGE, NO_FINALIZERS);

    assertThat(mondayOf(CLUSTER.admin()).get()).isNull();
  }

  private void forgeStatus(KubernetesClient client) {
    mondayOf(client).subresource("status").patch(MERGE, FORGED_STATUS);
  }

  private Resource<VirtualMachineCheckpoint> mondayOf(KubernetesClient client) {
    return monday(client, namespace);
  }

  private static Resource<VirtualMachineCheckpoint> monday(
      KubernetesClient client, String namespace) {
    return client
        .resources(VirtualMachineCheckpoint.class)
        .inNamespace(namespace)
        .withName("monday");
  }
}
