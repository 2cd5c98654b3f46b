package dev.vmcheckpoint.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.e2e.fixture.Checkpoint;
import dev.vmcheckpoint.e2e.fixture.Cluster;
import dev.vmcheckpoint.e2e.fixture.Disk;
import dev.vmcheckpoint.e2e.fixture.Figures;
import dev.vmcheckpoint.e2e.fixture.Installation;
import dev.vmcheckpoint.e2e.fixture.Installation.Program;
import dev.vmcheckpoint.e2e.fixture.RunningMachine;
import dev.vmcheckpoint.e2e.fixture.VirtualMachine;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What users wait for, and what the system takes of a node. */
class FiguresE2E {
  @RegisterExtension static final Cluster CLUSTER = new Cluster("figures");

  private static final int CHECKPOINTS = 100;

  private final Installation installation = new Installation(CLUSTER);

  @Test
  void aHundredCheckpointsOnOneMachine() {
    RunningMachine machine =
        RunningMachine.start(
            CLUSTER, VirtualMachine.named("vm", Disk.qcow2("vda"), Disk.qcow2("vdb")));
    List<Checkpoint> checkpoints = new ArrayList<>();
    List<Long> nanos = new ArrayList<>();
    List<Integer> writes = new ArrayList<>();

    for (int i = 0; i < CHECKPOINTS; i++) {
      Checkpoint.Timed timed = Checkpoint.timeToReady(CLUSTER, "figure-" + i, "vm");
      checkpoints.add(timed.checkpoint());
      nanos.add(timed.nanos());
      writes.add(timed.writes());
    }

    assertThat(machine.bitmaps("vda"))
        .filteredOn(bitmap -> bitmap.get("name").asText().startsWith("vmcp-"))
        .hasSizeGreaterThanOrEqualTo(CHECKPOINTS);
    checkpoints.forEach(Checkpoint::delete);
    assertThat(machine.bitmaps("vda")).isEmpty();
    Figures.ofTimes("apply to Ready", nanos);
    Figures.print(
        "API writes per checkpoint, at most",
        writes.stream().mapToInt(Integer::intValue).max().orElseThrow(),
        "");
    Figures.ofMemory(installation, "");
  }

  @Test
  void startOfEachProgram() {
    for (Program program : Program.values()) {
      Duration startToReady = installation.startToReady(program);

      assertThat(startToReady).isPositive();
      Figures.print(program + " start to ready", startToReady.toMillis(), "ms");
    }
  }
}
