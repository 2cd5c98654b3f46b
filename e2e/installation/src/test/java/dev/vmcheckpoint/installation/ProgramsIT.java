package dev.vmcheckpoint.installation;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.vmcheckpoint.installation.fixture.Installed;
import dev.vmcheckpoint.installation.fixture.Manifest;
import java.io.IOException;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** How operator and sidecars are run, whichever way they are installed. */
@TestInstance(Lifecycle.PER_CLASS)
class ProgramsIT {
  @RegisterExtension static final Installed CLUSTER = new Installed();

  private static final String OPERATOR = "Deployment vmcheckpoint-system/vmcheckpoint-operator";
  private static final String SIDECAR = "DaemonSet vmcheckpoint-node/vmcheckpoint-sidecar";
  private static final String POD = "/spec/template/spec";

  /** A way to install them. */
  enum Way {
    BASE,
    DEVELOPMENT,
    PRODUCTION,
    CHART;

    private Path file() {
      return switch (this) {
        case CHART -> CLUSTER.chart();
        case BASE -> CLUSTER.kustomized("base");
        case DEVELOPMENT, PRODUCTION ->
            CLUSTER.kustomized("overlays/" + name().toLowerCase(Locale.ROOT));
      };
    }
  }

  /** One of the two programs, by one of the ways. */
  record Program(Way way, String name, JsonNode pod) {
    private Stream<JsonNode> containers() {
      List<JsonNode> containers =
          Stream.of("initContainers", "containers")
              .flatMap(field -> pod.path(field).valueStream())
              .toList();
      assertThat(containers).isNotEmpty();
      return containers.stream();
    }

    @Override
    public String toString() {
      return "%s of %s".formatted(name, way);
    }
  }

  private final Map<Way, Manifest> objects = new EnumMap<>(Way.class);

  /** Once for all tests, as it takes seconds. */
  @BeforeAll
  void render() {
    for (Way way : Way.values()) {
      objects.put(way, CLUSTER.objects(way.file()));
    }
  }

  private JsonNode object(Way way, String name) {
    return Optional.ofNullable(objects.get(way)).orElseThrow().get(name);
  }

  Stream<Program> programs() {
    return Stream.of(Way.values())
        .flatMap(
            way ->
                Stream.of(OPERATOR, SIDECAR)
                    .map(name -> new Program(way, name, object(way, name).at(POD))));
  }

  @ParameterizedTest
  @MethodSource("programs")
  void writesNothingToItsRootFileSystem(Program program) {
    assertThat(program.containers())
        .allSatisfy(
            container ->
                assertThat(container.at("/securityContext/readOnlyRootFilesystem"))
                    .isEqualTo(json("true")));
  }

  @ParameterizedTest
  @MethodSource("programs")
  void hasNoCapabilities(Program program) {
    assertThat(program.containers())
        .allSatisfy(
            container ->
                assertThat(container.at("/securityContext/capabilities"))
                    .isEqualTo(json("{\"drop\": [\"ALL\"]}")));
  }

  @ParameterizedTest
  @MethodSource("programs")
  void gainsNoPrivileges(Program program) {
    assertThat(program.containers())
        .allSatisfy(
            container -> {
              assertThat(container.at("/securityContext/allowPrivilegeEscalation"))
                  .isEqualTo(json("false"));
              assertThat(container.at("/securityContext/privileged").asBoolean()).isFalse();
            });
  }

  @ParameterizedTest
  @MethodSource("programs")
  void isNotRoot(Program program) {
    assertThat(program.pod().at("/securityContext/runAsNonRoot")).isEqualTo(json("true"));
    assertThat(program.pod().at("/securityContext/runAsUser")).isEqualTo(json("65532"));
    assertThat(program.pod().at("/securityContext/runAsGroup")).isEqualTo(json("65532"));
    assertThat(program.containers())
        .allSatisfy(
            container ->
                assertThat(container.at("/securityContext").fieldNames())
                    .toIterable()
                    .doesNotContain("runAsNonRoot", "runAsUser", "runAsGroup"));
  }

  @ParameterizedTest
  @MethodSource("programs")
  void makesNoSystemCallsButThoseThatTheRuntimePermits(Program program) {
    assertThat(program.pod().at("/securityContext/seccompProfile"))
        .isEqualTo(json("{\"type\": \"RuntimeDefault\"}"));
    assertThat(program.containers())
        .allSatisfy(
            container ->
                assertThat(container.at("/securityContext/seccompProfile").isMissingNode())
                    .isTrue());
  }

  @ParameterizedTest
  @MethodSource("programs")
  void asksForWhatItNeedsAndHasAnEndOfItsMemory(Program program) {
    assertThat(program.containers())
        .allSatisfy(
            container -> {
              assertThat(container.at("/resources/requests/cpu").asText()).isNotEmpty();
              assertThat(container.at("/resources/requests/memory").asText()).isNotEmpty();
              assertThat(container.at("/resources/limits/memory").asText()).isNotEmpty();
            });
  }

  @ParameterizedTest
  @MethodSource("programs")
  void isNotThrottledWhileAGuestWaits(Program program) {
    assertThat(program.containers())
        .allSatisfy(
            container -> assertThat(container.at("/resources/limits").has("cpu")).isFalse());
  }

  @ParameterizedTest
  @MethodSource("programs")
  void goesToNodesThatItsImageIsBuiltFor(Program program) {
    assertThat(program.pod().at("/nodeSelector"))
        .isEqualTo(json("{\"kubernetes.io/os\": \"linux\"}"));
    assertThat(
            program
                .pod()
                .at(
                    "/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution"
                        + "/nodeSelectorTerms"))
        .isEqualTo(
            json(
                """
                [{"matchExpressions": [
                  {"key": "kubernetes.io/arch", "operator": "In", "values": ["amd64"]}]}]
                """));
  }

  @ParameterizedTest
  @MethodSource("programs")
  void hasThePriorityOfBothPrograms(Program program) {
    assertThat(program.pod().at("/priorityClassName").asText()).isEqualTo("vmcheckpoint");
  }

  @ParameterizedTest
  @EnumSource
  void thePriorityIsAboveOthersAndPreemptsNothing(Way way) {
    JsonNode priority = object(way, "PriorityClass /vmcheckpoint");

    assertThat(priority.at("/value").asInt()).isPositive();
    assertThat(priority.at("/preemptionPolicy").asText()).isEqualTo("Never");
    assertThat(priority.at("/globalDefault").asBoolean()).isFalse();
  }

  @ParameterizedTest
  @EnumSource
  void theSidecarIsOnTaintedNodesAsWell(Way way) {
    assertThat(object(way, SIDECAR).at(POD + "/tolerations"))
        .isEqualTo(json("[{\"operator\": \"Exists\"}]"));
  }

  @ParameterizedTest
  @EnumSource
  void theSidecarSeesOneFolderOfItsNodeAndMayOnlyRead(Way way) {
    JsonNode pod = object(way, SIDECAR).at(POD);

    assertThat(pod.at("/volumes"))
        .isEqualTo(
            json(
                """
                [{"name": "pods",
                  "hostPath": {"path": "/var/lib/kubelet/pods", "type": "Directory"}}]
                """));
    assertThat(pod.at("/containers/0/volumeMounts"))
        .isEqualTo(
            json(
                """
                [{"name": "pods", "mountPath": "/pods", "readOnly": true,
                  "mountPropagation": "HostToContainer"}]
                """));
  }

  @ParameterizedTest
  @EnumSource
  void theOperatorMountsNothing(Way way) {
    assertThat(object(way, OPERATOR).at(POD + "/volumes").isMissingNode()).isTrue();
  }

  @ParameterizedTest
  @CsvSource({
    "BASE, ScheduleAnyway",
    "DEVELOPMENT, ScheduleAnyway",
    "PRODUCTION, DoNotSchedule",
    "CHART, ScheduleAnyway",
  })
  void theOperatorsAreOnDifferentNodesAndInDifferentZones(Way way, String ifThereAreNone) {
    assertThat(object(way, OPERATOR).at(POD + "/topologySpreadConstraints"))
        .isEqualTo(
            json(
                """
                [{"topologyKey": "kubernetes.io/hostname",
                  "maxSkew": 1,
                  "whenUnsatisfiable": "%s",
                  "labelSelector":
                    {"matchLabels": {"app.kubernetes.io/name": "vmcheckpoint-operator"}},
                  "matchLabelKeys": ["pod-template-hash"]},
                 {"topologyKey": "topology.kubernetes.io/zone",
                  "maxSkew": 1,
                  "whenUnsatisfiable": "ScheduleAnyway",
                  "labelSelector":
                    {"matchLabels": {"app.kubernetes.io/name": "vmcheckpoint-operator"}},
                  "matchLabelKeys": ["pod-template-hash"]}]
                """
                    .formatted(ifThereAreNone)));
  }

  /** Also where there is one: it may go, and nobody's drain waits for it. */
  @ParameterizedTest
  @EnumSource
  void oneOperatorMayBeEvictedAtATime(Way way) {
    JsonNode budget =
        object(way, "PodDisruptionBudget vmcheckpoint-system/vmcheckpoint-operator").at("/spec");

    assertThat(budget.at("/maxUnavailable")).isEqualTo(json("1"));
    assertThat(budget.has("minAvailable")).isFalse();
    assertThat(budget.at("/selector")).isEqualTo(object(way, OPERATOR).at("/spec/selector"));
  }

  @ParameterizedTest
  @EnumSource
  void anOperatorThatIsNotReadyHoldsNoDrainUp(Way way) {
    assertThat(
            object(way, "PodDisruptionBudget vmcheckpoint-system/vmcheckpoint-operator")
                .at("/spec/unhealthyPodEvictionPolicy")
                .asText())
        .isEqualTo("AlwaysAllow");
  }

  private static JsonNode json(String text) {
    try {
      return new ObjectMapper().readTree(text);
    } catch (IOException e) {
      throw new IllegalArgumentException("what is expected is no JSON: " + text, e);
    }
  }
}
