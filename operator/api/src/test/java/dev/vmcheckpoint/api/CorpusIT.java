package dev.vmcheckpoint.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vmcheckpoint.api.fixture.ApiServer;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.Status;
import io.fabric8.kubernetes.api.model.StatusDetails;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.Resource;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What the API server itself accepts and refuses, from somebody with all rights. */
final class CorpusIT {
  @RegisterExtension static final ApiServer API = new ApiServer();

  private static final String NAME = "monday";

  /** Field of a cause that only says that the others come first. */
  private static final String RULES_NOT_CHECKED = "<nil>";

  @ParameterizedTest
  @MethodSource("valid")
  void isAccepted(Sample sample) {
    String namespace = newNamespace();
    sample.prepare(API.client(), namespace);

    assertThatCode(() -> sample.apply(API.client(), namespace)).doesNotThrowAnyException();
  }

  @ParameterizedTest
  @MethodSource("invalid")
  void isRefused(Sample sample) {
    String namespace = newNamespace();
    sample.prepare(API.client(), namespace);

    assertThatThrownBy(() -> sample.apply(API.client(), namespace))
        .isInstanceOfSatisfying(
            KubernetesClientException.class,
            refusal -> assertThat(answerOf(refusal)).isEqualTo(sample.answer()));
  }

  @Test
  void everyRuleOfTheSchemaRefusesSomethingInTheCorpus() {
    String answers = invalid().map(Sample::answer).collect(Collectors.joining());

    assertThat(Crd.schema().findValues("x-kubernetes-validations"))
        .flatExtracting(rules -> rules.findValuesAsText("message"))
        .isNotEmpty()
        .allSatisfy(message -> assertThat(answers).contains(message));
  }

  @Test
  void aDiskListedTwiceIsNamedInTheRefusalOfAPlainCreation() {
    VirtualMachineCheckpoint twice =
        Serialization.unmarshal(
            Sample.named("creation/invalid/disk-listed-twice").text(),
            VirtualMachineCheckpoint.class);

    assertThatThrownBy(() -> API.client().resource(twice).create())
        .hasMessageContaining("spec.disks[2]: Duplicate value: {\"name\":\"vda\"}");
  }

  @Test
  void aMergePatchTakesNoPromiseBack() {
    Resource<VirtualMachineCheckpoint> established = established();

    assertThatThrownBy(
            () ->
                established
                    .subresource("status")
                    .patch(
                        PatchContext.of(PatchType.JSON_MERGE),
                        "{\"status\": {\"creationTime\": null, \"disks\": null}}"))
        .hasMessageContaining("creationTime is set once and stays")
        .hasMessageContaining("no disk comes or goes once creationTime is set");
  }

  @Test
  void aReplacementWithoutStatusTakesNoPromiseBack() {
    Resource<VirtualMachineCheckpoint> established = established();
    VirtualMachineCheckpoint bare = established.get();
    bare.setStatus(null);

    assertThatThrownBy(() -> API.client().resource(bare).updateStatus())
        .hasMessageContaining("creationTime is set once and stays")
        .hasMessageContaining("no disk comes or goes once creationTime is set");
  }

  @Test
  void aStatusThatIsAppliedTogetherWithTheSpecIsNotTaken() {
    String namespace = newNamespace();

    Sample.named("status-from-creation-time-on/before")
        .applyToMainResource(API.client(), namespace);

    assertThat(resource(namespace).get().getStatus().established()).isFalse();
  }

  @Test
  void aConditionOfAnotherWriterStaysWhenTheOperatorAppliesItsOwn() {
    String namespace = newNamespace();
    Sample ofTheOperator = Sample.named("status-before-creation-time/before");
    ofTheOperator.apply(API.client(), namespace);
    resource(namespace)
        .subresource("status")
        .patch(
            new PatchContext.Builder()
                .withPatchType(PatchType.SERVER_SIDE_APPLY)
                .withFieldManager("archiver")
                .build(),
            """
            apiVersion: vmcheckpoint.dev/v1alpha1
            kind: VirtualMachineCheckpoint
            metadata: {name: monday}
            status:
              conditions:
                - type: Archived
                  status: "True"
                  reason: Copied
                  message: ""
                  lastTransitionTime: "2026-05-04T12:00:00Z"
            """);

    ofTheOperator.apply(API.client(), namespace);

    assertThat(resource(namespace).get().getStatus().conditions())
        .extracting(Condition::type)
        .containsExactlyInAnyOrder("Archived", "Ready", "Valid");
  }

  @ParameterizedTest
  @MethodSource("manifests")
  void aManifestFromTheSamplesCanBeApplied(Path manifest) throws Exception {
    ApiServer.Outcome outcome =
        API.kubectl(
            "apply",
            "--server-side",
            "--dry-run=server",
            "--validate=strict",
            "--namespace=" + newRestrictedNamespace(),
            "--filename=" + manifest);

    assertThat(outcome.output()).endsWith("serverside-applied (server dry run)\n");
    assertThat(outcome.output()).doesNotContain("Warning");
    assertThat(outcome.status()).isZero();
  }

  static List<Path> manifests() {
    return Sample.filesBelow("/samples");
  }

  static Stream<Sample> valid() {
    return Sample.all("valid");
  }

  static Stream<Sample> invalid() {
    return Sample.all("invalid");
  }

  private static Resource<VirtualMachineCheckpoint> established() {
    String namespace = newNamespace();
    Sample.named("status-from-creation-time-on/before").apply(API.client(), namespace);
    return resource(namespace);
  }

  private static Resource<VirtualMachineCheckpoint> resource(String namespace) {
    return API.client()
        .resources(VirtualMachineCheckpoint.class)
        .inNamespace(namespace)
        .withName(NAME);
  }

  private static String newNamespace() {
    return newNamespace(Map.of());
  }

  private static String newRestrictedNamespace() {
    return newNamespace(Map.of("pod-security.kubernetes.io/enforce", "restricted"));
  }

  private static String newNamespace(Map<String, String> labels) {
    return API.client()
        .resource(
            new NamespaceBuilder()
                .withNewMetadata()
                .withGenerateName("corpus-")
                .withLabels(labels)
                .endMetadata()
                .build())
        .create()
        .getMetadata()
        .getName();
  }

  /** What a client shows of a refusal: a line for each cause, or the message where it has none. */
  private static String answerOf(KubernetesClientException refusal) {
    Status status = refusal.getStatus();
    String causes =
        Optional.ofNullable(status.getDetails())
            .map(StatusDetails::getCauses)
            .orElse(List.of())
            .stream()
            .filter(cause -> !cause.getField().equals(RULES_NOT_CHECKED))
            .map(cause -> cause.getField() + ": " + cause.getMessage())
            .collect(Collectors.joining("\n"));
    return causes.isEmpty() ? status.getMessage() : causes;
  }
}
