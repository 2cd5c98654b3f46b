package dev.vmcheckpoint.api;

import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.client.KubernetesClient;
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
import java.util.Objects;
import java.util.stream.Stream;

/**
 * A resource of the corpus. Each folder of the corpus is a situation: where it has a {@code
 * before.yaml}, that is there already. Each file in its {@code valid} and {@code invalid} is then
 * applied, server-side and with force. Beside each invalid one stands the answer, a line for each
 * cause.
 */
record Sample(Path file) {
  private static final PatchContext APPLY =
      new PatchContext.Builder()
          .withPatchType(PatchType.SERVER_SIDE_APPLY)
          .withFieldManager(WellKnown.FIELD_MANAGER)
          .withForce(true)
          .withFieldValidation("Strict")
          .build();

  /** All whose verdict is {@code valid}, or {@code invalid}. */
  static Stream<Sample> all(String verdict) {
    return filesBelow("/corpus").stream()
        .filter(file -> file.toString().contains("/" + verdict + "/"))
        .map(Sample::new);
  }

  /** The one at that path in the corpus, without suffix. */
  static Sample named(String name) {
    return new Sample(folder("/corpus").resolve(name + ".yaml"));
  }

  /** The YAML files below a folder of the class path, in the order of their paths. */
  static List<Path> filesBelow(String folder) {
    try (Stream<Path> files = Files.walk(folder(folder))) {
      return files.filter(file -> file.toString().endsWith(".yaml")).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException("while listing " + folder, e);
    }
  }

  String text() {
    return read(file);
  }

  String answer() {
    return read(Path.of(file + ".err")).strip();
  }

  /** Brings its situation about. */
  void prepare(KubernetesClient client, String namespace) {
    Path before = file.resolve("../../before.yaml").normalize();
    if (Files.exists(before)) {
      new Sample(before).apply(client, namespace);
    }
  }

  /** Applies it, and its status to the subresource. */
  void apply(KubernetesClient client, String namespace) {
    GenericKubernetesResource whole =
        Serialization.unmarshal(text(), GenericKubernetesResource.class);
    boolean hasStatus = whole.getAdditionalProperties().containsKey("status");
    if (!hasStatus || whole.getAdditionalProperties().containsKey("spec")) {
      applyToMainResource(client, namespace);
    }
    if (hasStatus) {
      resource(client, namespace).subresource("status").patch(APPLY);
    }
  }

  /** Applies all of it, also a status, to the resource itself. */
  void applyToMainResource(KubernetesClient client, String namespace) {
    resource(client, namespace).patch(APPLY);
  }

  private Resource<GenericKubernetesResource> resource(KubernetesClient client, String namespace) {
    return client
        .resource(Serialization.unmarshal(text(), GenericKubernetesResource.class))
        .inNamespace(namespace);
  }

  private static Path folder(String name) {
    try {
      return Path.of(Objects.requireNonNull(Sample.class.getResource(name), name).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException("while looking for " + name, e);
    }
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException("while reading " + file, e);
    }
  }

  @Override
  public String toString() {
    return folder("/corpus").relativize(file).toString().replace(".yaml", "");
  }
}
