package dev.vmcheckpoint.installation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.api.VirtualMachineCheckpoint;
import dev.vmcheckpoint.api.fixture.ApiServer;
import dev.vmcheckpoint.api.fixture.ApiServer.Outcome;
import dev.vmcheckpoint.installation.fixture.Installed;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.client.dsl.Resource;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
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
  void theCrdIsUpdatedByHandAsDocumented() throws Exception {
    assertDone(API.kubectl("apply", "--server-side", "--force-conflicts", "-k", "../../crds"));
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
