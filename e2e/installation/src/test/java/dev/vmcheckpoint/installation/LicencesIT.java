package dev.vmcheckpoint.installation;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.vmcheckpoint.installation.fixture.Image;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Under which licences the jars in the images are, by the images' bills of materials. */
@Tag("images")
class LicencesIT {
  /** Of several licences of a jar one can be chosen, so one of them is to be here. */
  private static final Set<String> PERMITTED =
      Set.of("Apache-2.0", "BSD-2-Clause", "EPL-2.0", "MIT", "Bouncy Castle Licence");

  private static final Path DOCUMENT = Path.of("../../docs/licences.md");
  private static final Path FOUND = Path.of("target/licences.md");

  @ParameterizedTest
  @EnumSource
  void everyJarHasALicenceThatIsPermitted(Image image) {
    assertThat(image.billOfMaterials().at("/components"))
        .isNotEmpty()
        .allSatisfy(
            component ->
                assertThat(licences(component))
                    .as("licences of %s", name(component))
                    .containsAnyElementsOf(PERMITTED));
  }

  @ParameterizedTest
  @EnumSource
  void everyJarOfTheImageIsInItsBill(Image image) {
    Set<String> listed =
        image
            .billOfMaterials()
            .at("/components")
            .valueStream()
            .map(jar -> jar.get("name").asText() + "-" + jar.get("version").asText() + ".jar")
            .collect(Collectors.toSet());

    assertThat(image.entries())
        .extracting(Image.Entry::path)
        .filteredOn(path -> path.startsWith("app/libs/") && path.endsWith(".jar"))
        .isNotEmpty()
        .allSatisfy(path -> assertThat(listed).contains(path.substring("app/libs/".length())));
  }

  @Test
  void theDocumentListsWhatIsInTheImages() throws IOException {
    Map<String, Set<String>> imagesOf = new TreeMap<>();
    Map<String, String> licencesOf = new TreeMap<>();
    for (Image image : Image.values()) {
      for (JsonNode component : image.billOfMaterials().at("/components")) {
        if (!component.get("group").asText().equals("dev.vmcheckpoint")) {
          imagesOf.computeIfAbsent(name(component), _ -> new TreeSet<>()).add(image.toString());
          licencesOf.put(name(component), String.join(" or ", licences(component)));
        }
      }
    }
    String table =
        imagesOf.entrySet().stream()
            .map(
                jar ->
                    "| %s | %s | %s |%n"
                        .formatted(
                            jar.getKey(),
                            licencesOf.get(jar.getKey()),
                            String.join(", ", jar.getValue())))
            .collect(Collectors.joining("", "| jar | licence | image |\n|---|---|---|\n", ""));
    String document = Files.readString(DOCUMENT);
    Files.writeString(FOUND, document.replaceFirst("(?s)\\| jar \\|.*", "") + table);

    assertThat(document.lines())
        .as("after a look at what has changed: cp e2e/installation/%s docs/licences.md", FOUND)
        .containsExactlyElementsOf(Files.readAllLines(FOUND));
  }

  @Test
  void theDocumentNamesThePermittedLicences() throws IOException {
    assertThat(Files.readString(DOCUMENT).lines())
        .filteredOn(line -> line.startsWith("- "))
        .extracting(line -> line.substring(2).split(": ", 2)[0])
        .containsExactlyInAnyOrderElementsOf(PERMITTED);
  }

  private static String name(JsonNode component) {
    return component.get("group").asText() + ":" + component.get("name").asText();
  }

  /** By their identifiers of SPDX, where they have one. */
  private static Set<String> licences(JsonNode component) {
    return component
        .at("/licenses")
        .valueStream()
        .map(each -> each.at("/license"))
        .map(licence -> licence.has("id") ? licence.get("id") : licence.get("name"))
        .map(licence -> licence.asText().replaceFirst("^Apache 2 License$", "Apache-2.0"))
        .collect(Collectors.toCollection(TreeSet::new));
  }
}
