package dev.vmcheckpoint.installation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.api.VirtualMachineCheckpoint;
import dev.vmcheckpoint.api.fixture.ApiServer;
import dev.vmcheckpoint.api.fixture.ApiServer.Outcome;
import dev.vmcheckpoint.installation.fixture.Installed;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.api.model.apiextensions.v1.JSONSchemaProps;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.client.dsl.Resource;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The life of a Helm release, on an API server of its own. */
class ReleaseIT {
  @RegisterExtension static final ApiServer API = new ApiServer();

  private static final String RELEASE = "vmcheckpoint";

  /** Of each test: nobody is there to end a namespace, and one that ends takes nothing in. */
  private String operatorNamespace = "";

  private String sidecarNamespace = "";

  @BeforeEach
  void install(TestInfo test) throws Exception {
    String suffix = Integer.toHexString(test.getDisplayName().hashCode());
    operatorNamespace = "operator-" + suffix;
    sidecarNamespace = "sidecar-" + suffix;
    assertDone(helm("install"));
  }

  @AfterEach
  void uninstall() throws Exception {
    assertDone(API.run(API.program("helm"), "uninstall", RELEASE, "--ignore-not-found"));
  }

  @Test
  void isUpgraded() throws Exception {
    assertDone(helm("upgrade", "--set", "operator.replicas=3"));

    assertThat(operator().get().getSpec().getReplicas()).isEqualTo(3);
  }

  @Test
  void isRolledBack() throws Exception {
    assertDone(helm("upgrade", "--set", "operator.replicas=3"));

    assertDone(API.run(API.program("helm"), "rollback", RELEASE, "1"));

    assertThat(operator().get().getSpec().getReplicas()).isEqualTo(2);
  }

  @Test
  void theCrdIsUpdatedByHandAsDocumentedAndTheCheckpointsStayAsTheyWere() throws Exception {
    for (String sample : List.of("checkpoint.yaml", "checkpoint-with-granularity.yaml")) {
      assertDone(
          API.kubectl(
              "create",
              "--namespace",
              operatorNamespace,
              "-f",
              "../../manifests/samples/" + sample));
    }
    String established =
        """
        {"status": {"observedGeneration": 1, "creationTime": "2026-05-04T12:00:00Z", "disks": [
          {"name": "vda", "state": "Recording", "reason": "Recording", "bitmap": "vmcp-0a.1.vda"}]}}
        """;
    String later = "{\"status\": {\"creationTime\": \"2026-05-05T12:00:00Z\"}}";
    Installed.until("a status", () -> writeStatus(established).status() == 0);
    makeTheCrdAnOlderOne();
    Installed.until("the older CRD", () -> writeStatus(later, "--dry-run=server").status() == 0);
    String before = checkpoints();

    assertDone(API.kubectl("apply", "--server-side", "--force-conflicts", "-k", "../../crds"));

    Installed.until(
        "the rule that the older CRD lacks",
        () ->
            writeStatus(later, "--dry-run=server")
                .output()
                .contains("creationTime is set once and stays"));
    assertThat(checkpoints()).isEqualTo(before).contains("2026-05-04T12:00:00Z");
    assertThat(definition().get()).satisfies(crd -> assertThat(disk(crd)).containsKey("epoch"));
  }

  @Test
  void leavesTheCheckpointsWhenItIsUninstalled() throws Exception {
    assertDone(
        API.kubectl(
            "apply", "-f", Installed.MANIFESTS.resolve("samples/checkpoint.yaml").toString()));

    assertDone(API.run(API.program("helm"), "uninstall", RELEASE));

    assertThat(operator().get()).isNull();
    assertThat(
            API.client()
                .resources(VirtualMachineCheckpoint.class)
                .inNamespace("default")
                .withName("monday")
                .get())
        .isNotNull();
  }

  /** It lacks a rule and a property of today's. */
  private static void makeTheCrdAnOlderOne() {
    definition()
        .edit(
            crd -> {
              assertThat(
                      status(crd)
                          .getXKubernetesValidations()
                          .removeIf(
                              rule -> rule.getMessage().startsWith("creationTime is set once")))
                  .isTrue();
              assertThat(disk(crd).remove("epoch")).isNotNull();
              return crd;
            });
  }

  private static Resource<CustomResourceDefinition> definition() {
    return API.client()
        .apiextensions()
        .v1()
        .customResourceDefinitions()
        .withName("virtualmachinecheckpoints.vmcheckpoint.dev");
  }

  private static JSONSchemaProps status(CustomResourceDefinition crd) {
    return property(
        crd.getSpec().getVersions().getFirst().getSchema().getOpenAPIV3Schema(), "status");
  }

  private static Map<String, JSONSchemaProps> disk(CustomResourceDefinition crd) {
    return property(status(crd), "disks").getItems().getSchema().getProperties();
  }

  private static JSONSchemaProps property(JSONSchemaProps schema, String name) {
    return Optional.ofNullable(schema.getProperties().get(name)).orElseThrow();
  }

  /** As the operator, since nobody else may. */
  private Outcome writeStatus(String patch, String... more)
      throws IOException, InterruptedException {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "patch",
                "vmcp/monday",
                "--namespace",
                operatorNamespace,
                "--subresource=status",
                "--type=merge",
                "--as=system:serviceaccount:%s:vmcheckpoint-operator".formatted(operatorNamespace),
                // kubectl reads the subresource first, which the operator never does.
                "--as-group=system:masters",
                "--patch",
                patch));
    arguments.addAll(List.of(more));
    return API.kubectl(arguments.toArray(String[]::new));
  }

  /** All that the API server has of them, versions included. */
  private String checkpoints() throws IOException, InterruptedException {
    Outcome outcome = API.kubectl("get", "vmcp", "--namespace", operatorNamespace, "--output=json");
    assertDone(outcome);
    return outcome.output();
  }

  /** Helm's command about the release, with the chart and the test's namespaces. */
  private Outcome helm(String command, String... more) throws IOException, InterruptedException {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                command,
                RELEASE,
                Installed.MANIFESTS.resolve("chart").toString(),
                "--set",
                "namespaces.operator=" + operatorNamespace,
                "--set",
                "namespaces.sidecar=" + sidecarNamespace));
    arguments.addAll(List.of(more));
    return API.run(API.program("helm"), arguments.toArray(String[]::new));
  }

  private Resource<Deployment> operator() {
    return API.client()
        .apps()
        .deployments()
        .inNamespace(operatorNamespace)
        .withName("vmcheckpoint-operator");
  }

  private static void assertDone(Outcome outcome) {
    assertThat(outcome.status()).as(outcome.output()).isZero();
  }
}
