package dev.vmcheckpoint.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every test that a document names exists; reads nothing but documents and sources. */
final class DocumentedTestsTest {
  private static final Path ROOT = Path.of("..");
  private static final Path SECURITY = ROOT.resolve("SECURITY.md");
  private static final Path FAULTS = ROOT.resolve("docs/faults.md");
  private static final Pattern NAMED =
      Pattern.compile("`([a-z0-9-]+)/(\\w+(?:Test|IT|E2E))\\.(\\w+)`");
  private static final Map<String, String> FOLDERS =
      Map.of("e2e", "e2e", "installation", "e2e/installation", "proof", "e2e/proof");

  /** A test as a document names it. */
  record Named(String module, String type, String method) {
    private Path sources() {
      return ROOT.resolve(FOLDERS.getOrDefault(module, "operator/" + module))
          .resolve("src/test/java");
    }

    @Override
    public String toString() {
      return "%s/%s.%s".formatted(module, type, method);
    }
  }

  @ParameterizedTest
  @MethodSource("named")
  void aNamedTestExists(Named named) throws IOException {
    try (Stream<Path> sources = Files.walk(named.sources())) {
      List<Path> found =
          sources
              .filter(source -> source.getFileName().toString().equals(named.type() + ".java"))
              .toList();

      assertThat(found).as("sources of %s", named.type()).hasSize(1);
      assertThat(Files.readString(found.getFirst()))
          .containsPattern("\n +void %s\\(".formatted(named.method()));
    }
  }

  @Test
  void everyFaultNamesTheTestsThatShowIt() throws IOException {
    assertThat(Files.readAllLines(FAULTS))
        .filteredOn(line -> line.startsWith("| ") && !line.startsWith("| Fault |"))
        .hasSizeGreaterThan(50)
        .allSatisfy(
            line -> {
              String[] cells = line.split("\\|", -1);
              assertThat(cells).hasSize(5);
              assertThat(cells[3].strip().split(", ", -1))
                  .allSatisfy(cell -> assertThat(cell).matches(NAMED));
            });
  }

  static Stream<Named> named() throws IOException {
    try (Stream<Path> documents = Files.list(ROOT.resolve("docs"))) {
      return Stream.concat(
              Stream.of(SECURITY),
              documents.filter(document -> document.toString().endsWith(".md")).toList().stream())
          .flatMap(DocumentedTestsTest::namedIn);
    }
  }

  private static Stream<Named> namedIn(Path document) {
    try {
      return NAMED
          .matcher(Files.readString(document))
          .results()
          .map(hit -> new Named(hit.group(1), hit.group(2), hit.group(3)));
    } catch (IOException e) {
      throw new IllegalStateException("while reading " + document, e);
    }
  }
}
