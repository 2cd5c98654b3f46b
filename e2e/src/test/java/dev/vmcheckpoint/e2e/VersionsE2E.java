package dev.vmcheckpoint.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.vmcheckpoint.e2e.fixture.Administrator;
import dev.vmcheckpoint.e2e.fixture.Checkpoint;
import dev.vmcheckpoint.e2e.fixture.Cluster;
import dev.vmcheckpoint.e2e.fixture.Disk;
import dev.vmcheckpoint.e2e.fixture.RunningMachine;
import dev.vmcheckpoint.e2e.fixture.VirtualMachine;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * An earlier version of operator and sidecar beside this one: {@code e2e/earlier} builds it, and
 * the property {@code e2e.earlier} names its folder. Whichever of the two is upgraded first, what
 * was made before goes on recording, and what is asked for meanwhile is done.
 */
@Tag("long")
class VersionsE2E {
  @RegisterExtension static final Cluster CLUSTER = new Cluster("versions");

  private static final String CURRENT = "manifests";
  private static final String OPERATOR = "Deployment";
  private static final String SIDECAR = "DaemonSet";

  private final Administrator administrator = new Administrator(CLUSTER);
  private final List<Checkpoint> checkpoints = new ArrayList<>();
  private final String earlier =
      Optional.ofNullable(System.getProperty("e2e.earlier"))
              .orElseThrow(() -> new IllegalStateException("-De2e.earlier is not set"))
          + "/manifests";

  @BeforeEach
  void installTheEarlierVersion() {
    administrator.followsTheDocument("kubectl delete -k manifests/base");
    administrator.installs(earlier);
  }

  @AfterEach
  void installThisVersion() {
    administrator.installs();
  }

  @ParameterizedTest(name = "the {0} is upgraded last")
  @CsvSource({OPERATOR + ", sidecar-first", SIDECAR + ", operator-first"})
  void anUpgradeThatReachesOneOfThemFirstCostsNothing(String last, String name) {
    RunningMachine machine = start(name);
    assertServed(machine, "earlier");

    administrator.installsAllBut(last, CURRENT);
    assertServed(machine, "between");

    administrator.installs(CURRENT);
    assertServed(machine, "later");
  }

  @Test
  void anUpgradeThatIsTakenBackCostsNothing() {
    RunningMachine machine = start("taken-back");
    assertServed(machine, "earlier");

    administrator.installs(CURRENT);
    assertServed(machine, "later");

    administrator.installs(earlier);
    assertServed(machine, "earlier-again");
  }

  private static RunningMachine start(String name) {
    return RunningMachine.start(
        CLUSTER, VirtualMachine.named(name, Disk.qcow2("vda")).restarting());
  }

  /**
   * One checkpoint is made and stays, another is made and deleted, QEMU ends in order and is
   * started again, the guest writes; then each that stayed has recorded everything since.
   */
  private void assertServed(RunningMachine machine, String label) {
    String name = machine.pod().getMetadata().getName();
    Checkpoint.apply(CLUSTER, name + "-" + label + "-gone", name).whenReady().delete();
    checkpoints.add(Checkpoint.apply(CLUSTER, name + "-" + label, name).whenReady());

    restart(machine);
    machine.write("vda", checkpoints.size() - 1 + "M", "1M");

    for (int i = 0; i < checkpoints.size(); i++) {
      JsonNode disk = checkpoints.get(i).probe(label).disk("vda");
      assertThat(disk.path("state").asText()).isEqualTo("Recording");
      assertThat(disk.path("dirtyBytes").asLong()).isEqualTo((checkpoints.size() - i) * (1L << 20));
    }
    assertThat(machine.bitmapsButMarkers("vda"))
        .containsExactlyInAnyOrderElementsOf(
            checkpoints.stream().map(checkpoint -> checkpoint.bitmap("vda")).toList());
    System.out.printf(
        "FIGURE %-36s %d checkpoints Recording, 0 others%n",
        "versions, " + name + ", " + label + ":", checkpoints.size());
  }

  /** Ends QEMU in order, and waits until each checkpoint is carried over into the next one. */
  private void restart(RunningMachine machine) {
    List<String> epochs = checkpoints.stream().map(VersionsE2E::epoch).toList();
    machine.whenRestartedAfter(ProcessHandle::destroy);
    for (int i = 0; i < epochs.size(); i++) {
      String before = epochs.get(i);
      checkpoints
          .get(i)
          .when(
              "carried over",
              now -> now.isCondition("Valid", "True") && !epoch(now).equals(before));
    }
  }

  private static String epoch(Checkpoint checkpoint) {
    return checkpoint.disk("vda").path("epoch").asText();
  }
}
