package dev.vmcheckpoint.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vmcheckpoint.api.fixture.ApiServer;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.Status;
import io.fabric8.kubernetes.api.model.StatusDetails;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.Resource;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What the API server itself accepts and refuses, from somebody with all rights.
 *
 * <p>Each folder of the corpus is a situation: where it has a {@code before.yaml}, that is there
 * already. Each file in its {@code valid} and {@code invalid} is applied to it, server-side and
 * with force. Beside each invalid one stands the answer, a line for each cause.
 */
final class CorpusIT {
  @RegisterExtension static final ApiServer API = new ApiServer();

  private static final String NAME = "monday";

  /** Field of a cause that only says that the others come first. */
  private static final String RULES_NOT_CHECKED = "<nil>";

  private static final PatchContext APPLY =
      new PatchContext.Builder()
          .withPatchType(PatchType.SERVER_SIDE_APPLY)
          .withFieldManager(WellKnown.FIELD_MANAGER)
          .withForce(true)
          .withFieldValidation("Strict")
          .build();

  @ParameterizedTest
  @MethodSource("valid")
  void isAccepted(Sample sample) {
    assertThatCode(() -> sample.applyIn(newNamespace())).doesNotThrowAnyException();
  }

  @ParameterizedTest
  @MethodSource("invalid")
  void isRefused(Sample sample) {
    String namespace = newNamespace();
    sample.applyBeforeIn(namespace);

    assertThatThrownBy(() -> sample.applyItselfIn(namespace))
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

    Sample.named("status-from-creation-time-on/before").applyWithoutSubresourceIn(namespace);

    assertThat(resource(namespace).get().getStatus().established()).isFalse();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "checkpoint.yaml",
        "checkpoint-of-named-disks.yaml",
        "checkpoint-with-granularity.yaml",
        "checkpoint-without-barrier.yaml",
        "virtual-machine.yaml"
      })
  void aManifestFromTheSamplesCanBeApplied(String sample) throws Exception {
    ApiServer.Outcome outcome =
        API.kubectl(
            "apply",
            "--server-side",
            "--dry-run=server",
            "--validate=strict",
            "--namespace=" + newRestrictedNamespace(),
            "--filename=" + path("/samples/" + sample));

    assertThat(outcome.output()).endsWith("serverside-applied (server dry run)\n");
    assertThat(outcome.output()).doesNotContain("Warning");
    assertThat(outcome.status()).isZero();
  }

  static Stream<Sample> valid() {
    return samples("valid");
  }

  static Stream<Sample> invalid() {
    return samples("invalid");
  }

  /** One file of the corpus; its name is the path in the corpus, without suffix. */
  record Sample(Path file) {
    static Sample named(String name) {
      return new Sample(corpus().resolve(name + ".yaml"));
    }

    String text() {
      return read(file);
    }

    String answer() {
      return read(Path.of(file + ".err")).strip();
    }

    void applyIn(String namespace) {
      applyBeforeIn(namespace);
      applyItselfIn(namespace);
    }

    void applyBeforeIn(String namespace) {
      Path before = file.resolve("../../before.yaml").normalize();
      if (Files.exists(before)) {
        new Sample(before).applyItselfIn(namespace);
      }
    }

    void applyItselfIn(String namespace) {
      boolean hasStatus = whole().getAdditionalProperties().containsKey("status");
      if (!hasStatus || whole().getAdditionalProperties().containsKey("spec")) {
        applyWithoutSubresourceIn(namespace);
      }
      if (hasStatus) {
        API.client().resource(whole()).inNamespace(namespace).subresource("status").patch(APPLY);
      }
    }

    void applyWithoutSubresourceIn(String namespace) {
      API.client().resource(whole()).inNamespace(namespace).patch(APPLY);
    }

    private GenericKubernetesResource whole() {
      return Serialization.unmarshal(text(), GenericKubernetesResource.class);
    }

    @Override
    public String toString() {
      return corpus().relativize(file).toString().replace(".yaml", "");
    }
  }

  private static Resource<VirtualMachineCheckpoint> established() {
    String namespace = newNamespace();
    Sample.named("status-from-creation-time-on/before").applyItselfIn(namespace);
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

  private static Stream<Sample> samples(String verdict) {
    try (Stream<Path> files = Files.walk(corpus())) {
      List<Path> found =
          files
              .filter(file -> file.toString().contains("/" + verdict + "/"))
              .filter(file -> file.toString().endsWith(".yaml"))
              .sorted()
              .toList();
      return found.stream().map(Sample::new);
    } catch (IOException e) {
      throw new UncheckedIOException("while listing the corpus", e);
    }
  }

  private static Path corpus() {
    return path("/corpus");
  }

  private static Path path(String resource) {
    try {
      return Path.of(
          Objects.requireNonNull(CorpusIT.class.getResource(resource), resource).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException("while looking for " + resource, e);
    }
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException("while reading " + file, e);
    }
  }
}
