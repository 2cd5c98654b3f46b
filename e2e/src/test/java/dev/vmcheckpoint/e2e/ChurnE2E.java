package dev.vmcheckpoint.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.e2e.fixture.Checkpoint;
import dev.vmcheckpoint.e2e.fixture.Cluster;
import dev.vmcheckpoint.e2e.fixture.Disk;
import dev.vmcheckpoint.e2e.fixture.Installation;
import dev.vmcheckpoint.e2e.fixture.Installation.Program;
import dev.vmcheckpoint.e2e.fixture.RunningMachine;
import dev.vmcheckpoint.e2e.fixture.VirtualMachine;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Checkpoints made and deleted in a random order while parts of the system are killed: afterwards
 * each checkpoint that is there has one bitmap per disk, and nothing else has any.
 */
@Tag("long")
class ChurnE2E {
  @RegisterExtension static final Cluster CLUSTER = new Cluster("churn");

  private static final int STEPS = 150;
  private static final List<String> DISKS = List.of("vda", "vdb");

  private final Installation installation = new Installation(CLUSTER);
  private final List<Checkpoint> checkpoints = new ArrayList<>();

  private enum Step {
    MAKE,
    DELETE,
    REPLACE_SIDECAR,
    REPLACE_OPERATOR,
    RESTART_API_SERVER
  }

  @Test
  void everyCheckpointKeepsItsBitmapsAndNothingIsLeftOfTheOthers() {
    long seed = Long.getLong("e2e.seed", System.nanoTime());
    System.out.printf("churn with -De2e.seed=%d%n", seed);
    RandomGenerator random = new Random(seed);
    RunningMachine machine =
        RunningMachine.start(
            CLUSTER,
            VirtualMachine.named("vm", Disk.qcow2("vda"), Disk.qcow2("vdb"))
                .with(VirtualMachine.Guest.LINUX_WRITING));
    Map<Step, Integer> done = new EnumMap<>(Step.class);

    for (int i = 0; i < STEPS; i++) {
      Step step = choose(random);
      take(step, i, random);
      done.merge(step, 1, Integer::sum);
      if (step == Step.MAKE || step == Step.DELETE) {
        continue;
      }
      checkpoints.forEach(Checkpoint::whenReady);
      assertOnlyTheirBitmaps(machine);
    }

    checkpoints.forEach(Checkpoint::whenReady);
    assertOnlyTheirBitmaps(machine);
    assertThat(done).containsOnlyKeys(Step.values());
    checkpoints.forEach(Checkpoint::delete);
    DISKS.forEach(disk -> assertThat(machine.bitmaps(disk)).isEmpty());
    System.out.printf("FIGURE %-36s %s%n", "churn:", done);
  }

  private static Step choose(RandomGenerator random) {
    int dice = random.nextInt(20);
    return switch (dice) {
      case 0 -> Step.REPLACE_SIDECAR;
      case 1 -> Step.REPLACE_OPERATOR;
      case 2 -> Step.RESTART_API_SERVER;
      default -> dice < 13 ? Step.MAKE : Step.DELETE;
    };
  }

  private void take(Step step, int number, RandomGenerator random) {
    switch (step) {
      case MAKE -> checkpoints.add(Checkpoint.apply(CLUSTER, "churn-" + number, "vm"));
      case DELETE -> {
        if (!checkpoints.isEmpty()) {
          checkpoints.remove(random.nextInt(checkpoints.size())).delete();
        }
      }
      case REPLACE_SIDECAR -> installation.replace(Program.SIDECAR);
      case REPLACE_OPERATOR -> installation.replace(Program.OPERATOR);
      case RESTART_API_SERVER -> CLUSTER.restartApiServer();
    }
  }

  private void assertOnlyTheirBitmaps(RunningMachine machine) {
    for (String disk : DISKS) {
      assertThat(machine.bitmapsButMarkers(disk))
          .as("bitmaps on %s", disk)
          .containsExactlyInAnyOrderElementsOf(
              checkpoints.stream().map(checkpoint -> checkpoint.bitmap(disk)).toList());
    }
  }
}
