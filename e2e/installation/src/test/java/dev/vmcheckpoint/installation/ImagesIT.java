package dev.vmcheckpoint.installation;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.vmcheckpoint.installation.fixture.Image;
import dev.vmcheckpoint.installation.fixture.Image.Entry;
import dev.vmcheckpoint.installation.fixture.Installed;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What is in the images of operator and sidecar, and what is not. */
@Tag("images")
class ImagesIT {
  @RegisterExtension static final Installed CLUSTER = new Installed();

  private static final Set<String> SHELLS =
      Set.of("sh", "ash", "bash", "busybox", "csh", "dash", "fish", "ksh", "mksh", "toybox", "zsh");

  /** Java, and what can be run although it is a library. */
  private static final String EXECUTABLE =
      "jre/bin/java|lib/[a-z0-9_]+-linux-gnu/(ld-linux-[a-z0-9-]+\\.so\\.[0-9]|libc\\.so\\.6)";

  private static final String LIBRARY = ".*\\.so(\\.[0-9]+)*";

  /** With its content, as opposed to a text that looks for one. */
  private static final Pattern KEY =
      Pattern.compile("-----BEGIN [A-Z ]*PRIVATE KEY-----\\s*[A-Za-z0-9+/]{16}");

  /** Something that has a name and a text. */
  private record Part(String name, String text) {}

  @ParameterizedTest
  @EnumSource
  void hasNoShell(Image image) {
    assertThat(image.entries())
        .extracting(entry -> Path.of(entry.path()).getFileName().toString())
        .contains("java")
        .doesNotContainAnyElementsOf(SHELLS);
  }

  @ParameterizedTest
  @EnumSource
  void hasNoProgramButJava(Image image) {
    assertThat(image.entries())
        .filteredOn(entry -> entry.text().startsWith("\177ELF") && !entry.path().matches(LIBRARY))
        .extracting(Entry::path)
        .containsExactly("jre/bin/java");
    assertThat(image.entries())
        .filteredOn(entry -> !entry.isDirectory() && !entry.isLink() && (entry.mode() & 0111) != 0)
        .extracting(Entry::path)
        .allSatisfy(path -> assertThat(path).matches(EXECUTABLE));
  }

  @ParameterizedTest
  @EnumSource
  void hasNoScript(Image image) {
    assertThat(image.entries()).filteredOn(entry -> entry.text().startsWith("#!")).isEmpty();
  }

  @ParameterizedTest
  @EnumSource
  void hasNoFileThatGivesRightsOrThatOthersMayWrite(Image image) {
    assertThat(image.entries())
        .filteredOn(
            entry ->
                !entry.isLink()
                    && ((entry.mode() & 06000) != 0 || (entry.mode() & 0022) != 0)
                    && !entry.path().equals("tmp"))
        .isEmpty();
  }

  @ParameterizedTest
  @EnumSource
  void runsAsANumberedUserWhoIsNotRoot(Image image) throws IOException {
    assertThat(configuration(image).at("/config/User").asText()).matches("[1-9]\\d*:[1-9]\\d*");
  }

  @ParameterizedTest
  @EnumSource
  void startsJavaItself(Image image) throws IOException {
    JsonNode container = configuration(image).at("/config");

    assertThat(container.at("/Entrypoint/0").asText()).isEqualTo("/jre/bin/java");
    assertThat(container.at("/Cmd").isMissingNode()).isTrue();
    assertThat(container.at("/Healthcheck").isMissingNode()).isTrue();
  }

  @ParameterizedTest
  @EnumSource
  void hasNoVariablesAndNoLabels(Image image) throws IOException {
    JsonNode container = configuration(image).at("/config");

    assertThat(container.at("/Env")).isEmpty();
    assertThat(container.at("/Labels")).isEmpty();
  }

  @ParameterizedTest
  @EnumSource
  void doesNotSayWhereAndByWhomItWasBuilt(Image image) throws IOException {
    String folder = Path.of("../..").toRealPath() + "/";
    String home = System.getProperty("user.home") + "/";

    assertThat(ours(image))
        .filteredOn(
            part ->
                part.text().contains(folder)
                    || part.text().contains(home)
                    || part.text().contains("Built-By"))
        .extracting(Part::name)
        .isEmpty();
  }

  @ParameterizedTest
  @EnumSource
  void hasNoKey(Image image) throws IOException {
    assertThat(ours(image))
        .filteredOn(part -> KEY.matcher(part.text()).find())
        .extracting(Part::name)
        .isEmpty();
    assertThat(image.entries())
        .extracting(Entry::path)
        .noneMatch(path -> path.matches(".*\\.(p12|pfx|jks|key|pem)"));
  }

  @ParameterizedTest
  @EnumSource
  void isForTheNodesThatItIsSentTo(Image image) throws IOException {
    JsonNode program =
        CLUSTER
            .objects(CLUSTER.kustomized("base"))
            .get(
                image == Image.OPERATOR
                    ? "Deployment vmcheckpoint-system/vmcheckpoint-operator"
                    : "DaemonSet vmcheckpoint-node/vmcheckpoint-sidecar");
    JsonNode wanted =
        program.at(
            "/spec/template/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution"
                + "/nodeSelectorTerms/0/matchExpressions/0");

    assertThat(wanted.at("/key").asText()).isEqualTo("kubernetes.io/arch");
    assertThat(wanted.at("/values"))
        .singleElement()
        .isEqualTo(configuration(image).at("/architecture"));
  }

  private static JsonNode configuration(Image image) throws IOException {
    return new ObjectMapper().readTree(image.configuration());
  }

  /** What in an image comes from this project: its configuration, its jars' files, loose files. */
  private static List<Part> ours(Image image) throws IOException {
    List<Part> parts = new ArrayList<>();
    parts.add(new Part("configuration", image.configuration()));
    for (Entry entry : image.entries()) {
      if (entry.path().matches("app/(classpath|libs)/vmcheckpoint-.*\\.jar")) {
        parts.addAll(filesOf(entry));
      } else if (!entry.path().matches("(app/libs|jre|lib|usr/share/doc)/.*")) {
        parts.add(new Part(entry.path(), entry.text()));
      }
    }
    assertThat(parts).extracting(Part::name).anyMatch(name -> name.endsWith("/Main.class"));
    return parts;
  }

  private static List<Part> filesOf(Entry jar) throws IOException {
    List<Part> parts = new ArrayList<>();
    byte[] content = jar.text().getBytes(StandardCharsets.ISO_8859_1);
    try (ZipInputStream files = new ZipInputStream(new ByteArrayInputStream(content))) {
      for (ZipEntry file = files.getNextEntry(); file != null; file = files.getNextEntry()) {
        parts.add(
            new Part(
                file.getName(), new String(files.readAllBytes(), StandardCharsets.ISO_8859_1)));
      }
    }
    return parts;
  }
}
