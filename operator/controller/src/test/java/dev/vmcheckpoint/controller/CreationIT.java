package dev.vmcheckpoint.controller;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.vmcheckpoint.api.Condition.Status;
import dev.vmcheckpoint.api.ConditionType;
import dev.vmcheckpoint.api.DiskState;
import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Disk;
import dev.vmcheckpoint.controller.fixture.FakeMachine;
import dev.vmcheckpoint.controller.fixture.TestCheckpoint;
import dev.vmcheckpoint.controller.fixture.TestCluster;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.RegisterExtension;

/** From an applied resource to an established checkpoint, whatever goes wrong in the middle. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class CreationIT {
  @RegisterExtension final TestCluster cluster = new TestCluster();

  private OperatorProcess operator;

  @BeforeAll
  void startOperator() {
    operator = OperatorProcess.start(cluster);
  }

  @AfterAll
  void stopOperator() {
    operator.close();
  }

  @Test
  void aCheckpointIsEstablishedWithTwoWrites() {
    cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda", "vdb");

    TestCheckpoint checkpoint = cluster.apply("one", "db-0").whenReady();

    assertThat(operator.calls().writesAbout(cluster.namespace(), "one"))
        .containsExactly("PATCH", "PATCH status");
    assertThat(checkpoint.status().creationTime()).isNotNull();
    assertThat(checkpoint.status().disks())
        .extracting(Disk::name, Disk::state)
        .containsExactly(tuple("vda", DiskState.Recording), tuple("vdb", DiskState.Recording));
    assertThat(machine.bitmapsOf(checkpoint.uid(), "vda"))
        .containsExactly(checkpoint.bitmap("vda"));
    assertThat(checkpoint.condition(ConditionType.Valid).status()).isEqualTo(Status.True);
    checkpoint.whenTold(Reason.Established);
  }
}
