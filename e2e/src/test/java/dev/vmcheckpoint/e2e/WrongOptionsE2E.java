package dev.vmcheckpoint.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.e2e.fixture.Cluster;
import dev.vmcheckpoint.e2e.fixture.Commands;
import dev.vmcheckpoint.e2e.fixture.Commands.Ended;
import dev.vmcheckpoint.e2e.fixture.Containers;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A wrong option or variable ends in one clear line and status 2, and starts nothing. */
class WrongOptionsE2E {
  @RegisterExtension static final Cluster CLUSTER = new Cluster("wrong-options");

  private static final Path REPOSITORY = Path.of("..");
  private static final Map<String, String> POD =
      Map.of("POD_NAME", "operator", "POD_NAMESPACE", "wrong-options");

  @ParameterizedTest
  @ValueSource(strings = {"e2e/demo", "e2e/test", "e2e/cluster/up", "e2e/cluster/down"})
  void aScriptRefusesAnUnknownOption(String script) {
    Ended ended = Commands.tryToRun(Map.of(), REPOSITORY, script, "--nonsense");

    assertThat(ended.status()).isEqualTo(2);
    assertThat(ended.errors()).singleElement().asString().contains("--nonsense", "--help");
  }

  @ParameterizedTest
  @ValueSource(strings = {"e2e/demo", "e2e/test", "e2e/cluster/up", "e2e/cluster/down"})
  void aScriptRefusesAStateFolderThatIsNoAbsolutePath(String script) {
    Ended ended = Commands.tryToRun(Map.of("STATE", "some where"), REPOSITORY, script);

    assertThat(ended.status()).isEqualTo(2);
    assertThat(ended.errors()).singleElement().asString().contains("STATE", "some where");
  }

  @ParameterizedTest
  @ValueSource(strings = {"operator", "sidecar"})
  void anImageRefusesAnUnknownOption(String image) {
    Ended ended = Containers.run(CLUSTER, image + "-unknown-option", image, POD, "--nonsense");

    assertThat(ended.status()).isEqualTo(2);
    assertThat(ended.errors()).singleElement().asString().contains("--nonsense");
  }

  @Test
  void theOperatorRefusesCertificatesThatAreNotThere() {
    Ended ended = Containers.run(CLUSTER, "operator-no-tls", "operator", POD, "--tls-dir=/nowhere");

    assertThat(ended.status()).isEqualTo(2);
    assertThat(ended.errors()).singleElement().asString().contains("--tls-dir", "/nowhere");
  }

  @Test
  void theSidecarRefusesCertificatesThatAreNotThere() {
    Ended ended =
        Containers.run(
            CLUSTER, "sidecar-no-tls", "sidecar", Map.of(), "--pods-dir=/", "--tls-dir=/nowhere");

    assertThat(ended.status()).isEqualTo(2);
    // It has closed the pods directory to itself by then, and says so in its log.
    assertThat(ended.errors())
        .filteredOn(line -> line.startsWith("sidecar: "))
        .singleElement()
        .asString()
        .contains("--tls-dir", "/nowhere");
  }

  @Test
  void theSidecarRefusesAPodsDirectoryThatIsNotThere() {
    Ended ended =
        Containers.run(CLUSTER, "sidecar-no-pods", "sidecar", Map.of(), "--pods-dir=/nowhere");

    assertThat(ended.status()).isEqualTo(2);
    assertThat(ended.errors()).singleElement().asString().contains("--pods-dir", "/nowhere");
  }

  @Test
  void theOperatorRefusesToStartWithoutKnowingItsNamespace() {
    Ended ended =
        Containers.run(
            CLUSTER,
            "operator-no-namespace",
            "operator",
            Map.of("POD_NAME", "operator"),
            "--tls-dir=/nowhere");

    assertThat(ended.status()).isEqualTo(2);
    assertThat(ended.errors()).singleElement().asString().contains("POD_NAMESPACE");
  }
}
