package dev.vmcheckpoint.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.e2e.fixture.Cluster;
import dev.vmcheckpoint.e2e.fixture.Installation;
import dev.vmcheckpoint.e2e.fixture.Installation.Program;
import dev.vmcheckpoint.e2e.fixture.Processes;
import dev.vmcheckpoint.e2e.fixture.Processes.Mount;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What the kernel says of the programs' running processes, whatever the manifests ask for. */
class LeastPowerE2E {
  @RegisterExtension static final Cluster CLUSTER = new Cluster("least-power");

  private static final List<String> CAPABILITIES =
      List.of("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb");
  private static final List<String> NAMESPACES = List.of("ipc", "mnt", "net", "pid", "uts");

  private final Installation installation = new Installation(CLUSTER);

  @ParameterizedTest
  @EnumSource
  void isNotRootAndCannotBecomeIt(Program program) {
    ProcessHandle process = installation.process(program);

    assertThat(Processes.status(process, "Uid")).isEqualTo("65532 65532 65532 65532");
    assertThat(Processes.status(process, "NoNewPrivs")).isEqualTo("1");
  }

  @ParameterizedTest
  @EnumSource
  void hasNoCapabilities(Program program) {
    ProcessHandle process = installation.process(program);

    assertThat(CAPABILITIES)
        .allSatisfy(
            set -> assertThat(Processes.status(process, set)).containsOnlyOnce("0".repeat(16)));
  }

  @ParameterizedTest
  @EnumSource
  void isFilteredBySeccomp(Program program) {
    assertThat(Processes.status(installation.process(program), "Seccomp")).isEqualTo("2");
  }

  @ParameterizedTest
  @EnumSource
  void sharesNoNamespaceWithANode(Program program) {
    ProcessHandle process = installation.process(program);

    for (String node : List.of(Cluster.FIRST_NODE, Cluster.SECOND_NODE)) {
      assertThat(NAMESPACES)
          .allSatisfy(
              kind ->
                  assertThat(Processes.namespace(process, kind))
                      .isNotEqualTo(Processes.namespace(CLUSTER.process(node), kind)));
    }
  }

  @ParameterizedTest
  @EnumSource
  void hasNoWritableFileSystemOfItsImage(Program program) {
    assertThat(Processes.mounts(installation.process(program))).contains(new Mount("/", false));
  }

  @Test
  void theSidecarHasNothingOfItsNodeButThePodsDirectoryReadOnly() {
    List<Mount> mounts = Processes.mounts(installation.process(Program.SIDECAR));

    assertThat(mounts).contains(new Mount("/pods", false));
    // What the container runtime makes for every container; and volumes of pods, which are mounted
    // below their directory, and which Landlock keeps closed.
    assertThat(mounts)
        .filteredOn(Mount::writable)
        .extracting(Mount::path)
        .allMatch(path -> path.matches("/(dev|proc|sys|pods)/.*|/dev|/proc|/etc/hosts"));
  }

  @Test
  void filesOfPodsAreClosedToTheSidecar() {
    assertThat(installation.log(Program.SIDECAR))
        .contains("files of pods are closed to this process by Landlock");
  }

  @Test
  void theSidecarIsInTheGroupsThatOpenTheWayToMonitorsAndInNoOther() {
    assertThat(Processes.status(installation.process(Program.SIDECAR), "Groups"))
        .isEqualTo("0 107 65532");
  }

  @Test
  void theOperatorIsInNoGroupButItsOwn() {
    assertThat(Processes.status(installation.process(Program.OPERATOR), "Groups"))
        .isEqualTo("65532");
  }
}
