package dev.vmcheckpoint.controller;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.api.Condition.Status;
import dev.vmcheckpoint.api.ConditionType;
import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.controller.fixture.FakeMachine;
import dev.vmcheckpoint.controller.fixture.TestCheckpoint;
import dev.vmcheckpoint.controller.fixture.TestCluster;
import java.time.Clock;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Somebody cleared a bitmap, and it lists more than before when it is looked at again. */
final class ClearedIT {
  @RegisterExtension static final TestCluster CLUSTER = new TestCluster();

  @Test
  void theCountOfAYoungerCheckpointGivesItAway() {
    CLUSTER.startSidecar();
    FakeMachine machine = CLUSTER.startMachine("db-0", "vda");
    TestCheckpoint older;
    Clock twoMinutesAgo = Clock.offset(Clock.systemUTC(), Duration.ofMinutes(-2));
    try (OperatorProcess _ = OperatorProcess.start(CLUSTER, twoMinutesAgo)) {
      older = CLUSTER.apply("older", "db-0").whenReady();
    }
    try (OperatorProcess _ = OperatorProcess.start(CLUSTER)) {
      TestCheckpoint younger = CLUSTER.apply("younger", "db-0").whenReady();

      machine.put("vda", younger.bitmap("vda"), 3 * 65_536);
      machine.put("vda", older.bitmap("vda"), 2 * 65_536);

      older.when(ConditionType.Valid, Status.False, Reason.DisksLost);
      assertThat(older.disk("vda").reason()).isEqualTo(Reason.Cleared);
      assertThat(older.disk("vda").message())
          .isEqualTo(
              "the bitmap lists fewer bytes than the 196608 of the younger "
                  + younger.bitmap("vda"));
      older.whenTold(Reason.DisksLost);
      younger.when(ConditionType.Valid, Status.True, Reason.Recording);
    }
  }
}
