package dev.vmcheckpoint.installation;

import static java.util.stream.Collectors.toSet;
import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.installation.fixture.Installed;
import io.fabric8.kubernetes.api.model.rbac.ClusterRole;
import io.fabric8.kubernetes.api.model.rbac.RoleBindingBuilder;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Who may do what, asked of the API server's own authorizer. */
class AccessIT {
  @RegisterExtension static final Installed CLUSTER = new Installed();

  private static final String TENANT = "tenant";
  private static final String AGGREGATE = "rbac.authorization.k8s.io/aggregate-to-";

  /** The two programs, and users who have a role in the tenant's namespace and nowhere else. */
  private static final Map<String, String> USERS =
      Map.of(
          "operator", Installed.OPERATOR,
          "sidecar", Installed.SIDECAR,
          "view", "viewer",
          "edit", "editor",
          "admin", "administrator",
          "backup", "backup-tool");

  @BeforeAll
  static void giveEachUserHisRole() {
    CLUSTER.createNamespace(TENANT);
    bind("backup", "vmcheckpoint-backup");
    for (String role : List.of("view", "edit", "admin")) {
      // What the controller that aggregates would do; it is not there.
      aggregatedTo(role).forEach(part -> bind(role, part));
    }
    Installed.until(
        "the rights of the role that was bound last",
        () ->
            CLUSTER.allows(
                user("admin"),
                "deletecollection",
                "virtualmachinecheckpoints.vmcheckpoint.dev",
                TENANT,
                ""));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          # in a namespace where the users have their roles
          get              | virtualmachinecheckpoints.vmcheckpoint.dev               | tenant              | operator view edit admin backup
          list             | virtualmachinecheckpoints.vmcheckpoint.dev               | tenant              | operator view edit admin backup
          watch            | virtualmachinecheckpoints.vmcheckpoint.dev               | tenant              | operator view edit admin backup
          create           | virtualmachinecheckpoints.vmcheckpoint.dev               | tenant              | edit admin backup
          update           | virtualmachinecheckpoints.vmcheckpoint.dev               | tenant              | edit admin
          patch            | virtualmachinecheckpoints.vmcheckpoint.dev               | tenant              | operator edit admin backup
          delete           | virtualmachinecheckpoints.vmcheckpoint.dev               | tenant              | edit admin backup
          deletecollection | virtualmachinecheckpoints.vmcheckpoint.dev               | tenant              | admin
          get              | virtualmachinecheckpoints/status.vmcheckpoint.dev        | tenant              | -
          update           | virtualmachinecheckpoints/status.vmcheckpoint.dev        | tenant              | -
          patch            | virtualmachinecheckpoints/status.vmcheckpoint.dev        | tenant              | operator
          update           | virtualmachinecheckpoints/finalizers.vmcheckpoint.dev    | tenant              | -
          patch            | virtualmachinecheckpoints/finalizers.vmcheckpoint.dev    | tenant              | -
          # elsewhere
          get              | virtualmachinecheckpoints.vmcheckpoint.dev               | neighbour           | operator
          create           | virtualmachinecheckpoints.vmcheckpoint.dev               | neighbour           | -
          delete           | virtualmachinecheckpoints.vmcheckpoint.dev               | neighbour           | -
          patch            | virtualmachinecheckpoints/status.vmcheckpoint.dev        | neighbour           | operator
          # of the cluster's own
          get              | pods                                                     | tenant              | -
          list             | pods                                                     | tenant              | operator
          create           | pods                                                     | tenant              | -
          delete           | pods                                                     | tenant              | -
          create           | pods/exec                                                | tenant              | -
          update           | pods/ephemeralcontainers                                 | tenant              | -
          create           | pods                                                     | vmcheckpoint-node   | -
          create           | events.events.k8s.io                                     | tenant              | operator
          get              | secrets                                                  | tenant              | -
          get              | secrets                                                  | vmcheckpoint-system | -
          get              | secrets                                                  | vmcheckpoint-node   | -
          list             | secrets                                                  | vmcheckpoint-system | -
          create           | secrets                                                  | vmcheckpoint-system | operator
          create           | secrets                                                  | vmcheckpoint-node   | -
          create           | certificatesigningrequests.certificates.k8s.io           | -                   | sidecar
          get              | certificatesigningrequests.certificates.k8s.io           | -                   | sidecar
          list             | certificatesigningrequests.certificates.k8s.io           | -                   | operator
          delete           | certificatesigningrequests.certificates.k8s.io           | -                   | -
          update           | certificatesigningrequests/approval.certificates.k8s.io  | -                   | operator
          update           | certificatesigningrequests/status.certificates.k8s.io    | -                   | operator
          create           | serviceaccounts/token                                    | vmcheckpoint-system | -
          create           | configmaps                                               | vmcheckpoint-system | operator
          create           | configmaps                                               | vmcheckpoint-node   | operator
          create           | leases.coordination.k8s.io                               | vmcheckpoint-system | operator
          delete           | leases.coordination.k8s.io                               | vmcheckpoint-system | -
          list             | configmaps                                               | vmcheckpoint-system | -
          delete           | configmaps                                               | vmcheckpoint-system | -
          create           | configmaps                                               | tenant              | -
          update           | leases.coordination.k8s.io                               | vmcheckpoint-system | -
          create           | leases.coordination.k8s.io                               | kube-system         | -
          get              | nodes                                                    | -                   | -
          list             | namespaces                                               | -                   | -
          delete           | customresourcedefinitions.apiextensions.k8s.io           | -                   | -
          delete           | validatingadmissionpolicies.admissionregistration.k8s.io | -                   | -
          create           | clusterrolebindings.rbac.authorization.k8s.io            | -                   | -
          """)
  void may(String verb, String resource, String namespace, String who) {
    assertThat(allowed(verb, resource, namespace, "")).isEqualTo(words(who));
  }

  @ParameterizedTest
  @CsvSource({
    "get, vmcheckpoint-leftovers-0, operator",
    "update, vmcheckpoint-leftovers-15, operator",
    "get, vmcheckpoint-leftovers-16, -",
    "update, kube-root-ca.crt, -",
  })
  void mayWithAConfigMapOfTheOperatorsNamespace(String verb, String name, String who) {
    assertThat(allowed(verb, "configmaps", Installed.OPERATOR_NAMESPACE, name))
        .isEqualTo(words(who));
  }

  @ParameterizedTest
  @ValueSource(strings = {"get", "update", "patch", "delete"})
  void mayWithItsOwnLease(String verb) {
    assertThat(
            allowed(
                verb,
                "leases.coordination.k8s.io",
                Installed.OPERATOR_NAMESPACE,
                "vmcheckpoint-operator"))
        .isEqualTo(words("operator"));
  }

  @ParameterizedTest
  @CsvSource({
    "get, secrets, vmcheckpoint-system, vmcheckpoint-authority, operator",
    "update, secrets, vmcheckpoint-system, vmcheckpoint-authority, operator",
    "get, secrets, vmcheckpoint-system, another, -",
    "get, configmaps, vmcheckpoint-node, vmcheckpoint-authorities, operator sidecar",
    "update, configmaps, vmcheckpoint-node, vmcheckpoint-authorities, operator",
    "get, configmaps, vmcheckpoint-node, another, -",
    "approve, signers.certificates.k8s.io, -, vmcheckpoint.dev/sidecar, operator",
    "sign, signers.certificates.k8s.io, -, vmcheckpoint.dev/sidecar, operator",
    "sign, signers.certificates.k8s.io, -, kubernetes.io/kube-apiserver-client, -",
  })
  void mayWithWhatCertificatesNeed(
      String verb, String resource, String namespace, String name, String who) {
    assertThat(allowed(verb, resource, namespace, name)).isEqualTo(words(who));
  }

  @ParameterizedTest
  @ValueSource(strings = {"view", "edit", "admin"})
  void aRoleOfTheClusterTakesOursIn(String role) {
    ClusterRole builtIn = CLUSTER.admin().rbac().clusterRoles().withName(role).get();

    assertThat(builtIn.getAggregationRule().getClusterRoleSelectors())
        .anySatisfy(
            selector ->
                assertThat(selector.getMatchLabels()).isEqualTo(Map.of(AGGREGATE + role, "true")));
    assertThat(aggregatedTo(role)).contains("vmcheckpoint-" + role);
  }

  private static List<String> aggregatedTo(String role) {
    return CLUSTER
        .admin()
        .rbac()
        .clusterRoles()
        .withLabel(AGGREGATE + role, "true")
        .list()
        .getItems()
        .stream()
        .map(part -> part.getMetadata().getName())
        .filter(name -> name.startsWith("vmcheckpoint-"))
        .toList();
  }

  private static void bind(String who, String role) {
    CLUSTER
        .admin()
        .resource(
            new RoleBindingBuilder()
                .withNewMetadata()
                .withNamespace(TENANT)
                .withName("%s-%s".formatted(who, role))
                .endMetadata()
                .withNewRoleRef("rbac.authorization.k8s.io", "ClusterRole", role)
                .addNewSubject("rbac.authorization.k8s.io", "User", user(who), null)
                .build())
        .create();
  }

  private static String user(String who) {
    return Optional.ofNullable(USERS.get(who)).orElseThrow();
  }

  private static Set<String> words(String cell) {
    return cell.equals("-") ? Set.of() : Set.of(cell.split(" "));
  }

  private static Set<String> allowed(
      String verb, String resource, String namespace, String object) {
    return USERS.keySet().stream()
        .filter(who -> CLUSTER.allows(user(who), verb, resource, namespace, object))
        .collect(toSet());
  }
}
