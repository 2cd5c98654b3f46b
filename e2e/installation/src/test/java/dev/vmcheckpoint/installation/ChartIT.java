package dev.vmcheckpoint.installation;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.vmcheckpoint.api.fixture.ApiServer.Outcome;
import dev.vmcheckpoint.installation.fixture.Installed;
import dev.vmcheckpoint.installation.fixture.Manifest;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The Helm chart says what the base says, takes what it may be told, and refuses the rest. */
class ChartIT {
  @RegisterExtension static final Installed CLUSTER = new Installed();

  private static final String CHART = Installed.CHART.toString();

  /** What Helm's conventions want on every object of a release. */
  private static final Set<String> LABELS_OF_HELM =
      Set.of(
          "app.kubernetes.io/instance",
          "app.kubernetes.io/managed-by",
          "app.kubernetes.io/version",
          "helm.sh/chart");

  @Test
  void theChartIsLinted() {
    Outcome outcome = CLUSTER.helm("lint", "--strict", CHART);

    assertThat(outcome.output()).contains("0 chart(s) failed").doesNotContain("[WARNING]");
    assertThat(outcome.status()).isZero();
  }

  @Test
  void itsObjectsAreThoseOfTheBase() {
    Manifest base = CLUSTER.objects(CLUSTER.kustomized("base"));
    Manifest chart = CLUSTER.objects(CLUSTER.chart());

    assertThat(chart.objects()).containsOnlyKeys(base.objects().keySet());
    assertThat(chart.objects())
        .allSatisfy(
            (name, object) -> {
              if (isDefinition(object)) {
                // Helm adds no label to those, nor can the chart: it does not render them.
                assertThat(object.get("spec")).isEqualTo(base.get(name).get("spec"));
              } else {
                assertThat(withoutLabelsOfHelm(object)).isEqualTo(base.get(name));
              }
            });
  }

  @Test
  void itsObjectsAreAcceptedWithoutAWarning() {
    Outcome outcome = CLUSTER.applyOnTrial(CLUSTER.chart());

    assertThat(outcome.output()).endsWith("(server dry run)\n").doesNotContain("Warning");
    assertThat(outcome.status()).isZero();
  }

  @Test
  void namesOfNamespacesGoWhereverTheyAreNeeded() throws IOException {
    String text =
        Files.readString(
            CLUSTER.chart(
                "--set", "namespaces.operator=vm-operator", "--set", "namespaces.sidecar=vm-node"));

    assertThat(text)
        .doesNotContain("vmcheckpoint-system", "vmcheckpoint-node")
        .contains("--sidecar-namespace=vm-node")
        .contains("system:serviceaccount:vm-operator:vmcheckpoint-operator");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          operator.image=registry.example/o@sha256:0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a | Deployment vmcheckpoint-system/vmcheckpoint-operator | /spec/template/spec/containers/0/image | "registry.example/o@sha256:0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"
          operator.replicas=3 | Deployment vmcheckpoint-system/vmcheckpoint-operator | /spec/replicas | 3
          operator.resources.limits.memory=1Gi | Deployment vmcheckpoint-system/vmcheckpoint-operator | /spec/template/spec/containers/0/resources/limits | {"memory":"1Gi"}
          operator.extraArgs={--poll-interval=30s} | Deployment vmcheckpoint-system/vmcheckpoint-operator | /spec/template/spec/containers/0/args | ["--sidecar-namespace=vmcheckpoint-node","--poll-interval=30s"]
          sidecar.image=registry.example:5000/s:2 | DaemonSet vmcheckpoint-node/vmcheckpoint-sidecar | /spec/template/spec/containers/0/image | "registry.example:5000/s:2"
          sidecar.resources.requests.cpu=1 | DaemonSet vmcheckpoint-node/vmcheckpoint-sidecar | /spec/template/spec/containers/0/resources/requests | {"cpu":1,"memory":"96Mi"}
          sidecar.tolerations[0].key=vms | DaemonSet vmcheckpoint-node/vmcheckpoint-sidecar | /spec/template/spec/tolerations | [{"key":"vms"}]
          sidecar.kubeletPodsDirectory=/srv/pods | DaemonSet vmcheckpoint-node/vmcheckpoint-sidecar | /spec/template/spec/volumes/0/hostPath/path | "/srv/pods"
          sidecar.seLinuxType=vmcheckpoint_sidecar_t | DaemonSet vmcheckpoint-node/vmcheckpoint-sidecar | /spec/template/spec/securityContext/seLinuxOptions | {"type":"vmcheckpoint_sidecar_t"}
          sidecar.appArmorProfile=vmcheckpoint-sidecar | DaemonSet vmcheckpoint-node/vmcheckpoint-sidecar | /spec/template/spec/securityContext/appArmorProfile | {"localhostProfile":"vmcheckpoint-sidecar","type":"Localhost"}
          sidecar.extraArgs={--max-calls=8} | DaemonSet vmcheckpoint-node/vmcheckpoint-sidecar | /spec/template/spec/containers/0/args | ["--pods-dir=/pods","--node-name=$(NODE_NAME)","--max-calls=8"]
          """)
  void aValueGoesWhereItBelongs(String value, String program, String pointer, String expected)
      throws IOException {
    JsonNode object = CLUSTER.objects(CLUSTER.chart("--set", value)).get(program);

    assertThat(object.at(pointer)).isEqualTo(new ObjectMapper().readTree(expected));
  }

  @Test
  void thePolicyOfTheSidecarsPodsKnowsTheFolder() throws IOException {
    String text =
        Files.readString(CLUSTER.chart("--set", "sidecar.kubeletPodsDirectory=/srv/kubelet/pods"));

    assertThat(text)
        .doesNotContain("/var/lib/kubelet/pods")
        .contains("volume.hostPath.path == \"/srv/kubelet/pods\"");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          namespace=other                            | at '': additional properties 'namespace' not allowed
          namespaces.sidecar=Node                    | at '/namespaces/sidecar': 'Node' does not match pattern
          namespaces.sidecar=vmcheckpoint-system     | namespaces.operator and namespaces.sidecar are both "vmcheckpoint-system"
          operator.replica=2                         | at '/operator': additional properties 'replica' not allowed
          operator.replicas=0                        | at '/operator/replicas': minimum: got 0, want 1
          operator.replicas=two                      | at '/operator/replicas': got string, want integer
          operator.image=operator                    | at '/operator/image': 'operator' does not match pattern
          operator.image=operator@sha256:12          | at '/operator/image': 'operator@sha256:12' does not match pattern
          operator.extraArgs={poll}                  | at '/operator/extraArgs/0': 'poll' does not match pattern
          operator.extraArgs=--poll-interval=1s      | at '/operator/extraArgs': got string, want array
          operator.resources.limits.memory=much      | at '/operator/resources/limits/memory': 'much' does not match pattern
          operator.resources.limit.memory=1Gi        | at '/operator/resources': additional properties 'limit' not allowed
          sidecar.replicas=2                         | at '/sidecar': additional properties 'replicas' not allowed
          sidecar.image=sidecar:                     | at '/sidecar/image': 'sidecar:' does not match pattern
          sidecar.tolerations[0].operator=Any        | at '/sidecar/tolerations/0/operator': value must be one of 'Exists', 'Equal'
          sidecar.tolerations[0].effects=NoSchedule  | at '/sidecar/tolerations/0': additional properties 'effects' not allowed
          sidecar.kubeletPodsDirectory=pods          | at '/sidecar/kubeletPodsDirectory': 'pods' does not match pattern
          sidecar.seLinuxType=spc_t                  | at '/sidecar/seLinuxType': value must be one of '', 'vmcheckpoint_sidecar_t'
          sidecar.appArmorProfile=a b                | at '/sidecar/appArmorProfile': 'a b' does not match pattern
          sidecar.extraArgs={-p}                     | at '/sidecar/extraArgs/0': '-p' does not match pattern
          """)
  void aWrongValueIsRefusedByName(String value, String answer) {
    Outcome outcome = CLUSTER.helm("template", "vmcheckpoint", CHART, "--set", value);

    assertThat(outcome.output()).contains(answer);
    assertThat(outcome.status()).isNotZero();
  }

  private static boolean isDefinition(JsonNode object) {
    return object.get("kind").asText().equals("CustomResourceDefinition");
  }

  private static JsonNode withoutLabelsOfHelm(JsonNode object) {
    ObjectNode copy = object.deepCopy();
    ObjectNode labels = (ObjectNode) copy.at("/metadata/labels");
    assertThat(labels.properties()).extracting(Map.Entry::getKey).containsAll(LABELS_OF_HELM);
    labels.remove(LABELS_OF_HELM);
    return copy;
  }
}
