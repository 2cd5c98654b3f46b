package dev.vmcheckpoint.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.e2e.fixture.Checkpoint;
import dev.vmcheckpoint.e2e.fixture.Cluster;
import dev.vmcheckpoint.e2e.fixture.Disk;
import dev.vmcheckpoint.e2e.fixture.Installation;
import dev.vmcheckpoint.e2e.fixture.Installation.Program;
import dev.vmcheckpoint.e2e.fixture.Processes;
import dev.vmcheckpoint.e2e.fixture.RunningMachine;
import dev.vmcheckpoint.e2e.fixture.VirtualMachine;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Figures of a run, printed for people to compare: machines differ and are busy, so nothing here
 * fails for being slow.
 */
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
    print("apply to Ready, p50", "%d ms", Duration.ofNanos(percentile(nanos, 50)).toMillis());
    print("apply to Ready, p99", "%d ms", Duration.ofNanos(percentile(nanos, 99)).toMillis());
    print(
        "API writes per checkpoint, at most",
        "%d",
        writes.stream().mapToInt(Integer::intValue).max().orElseThrow());
    for (Program program : Program.values()) {
      print(
          program + " RSS", "%d MiB", Processes.residentBytes(installation.process(program)) >> 20);
    }
  }

  @Test
  void startOfEachProgram() {
    for (Program program : Program.values()) {
      Duration startToReady = installation.startToReady(program);

      assertThat(startToReady).isPositive();
      print(program + " start to ready", "%d ms", startToReady.toMillis());
    }
  }

  private static long percentile(List<Long> values, int percent) {
    return values.stream()
        .sorted()
        .skip(Math.max(0, values.size() * percent / 100 - 1))
        .findFirst()
        .orElseThrow();
  }

  @SuppressWarnings("AnnotateFormatMethod")
  private static void print(String what, String format, long value) {
    System.out.printf("FIGURE %-36s " + format + "%n", what.toLowerCase(Locale.ROOT) + ":", value);
  }
}
