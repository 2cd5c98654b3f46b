package dev.vmcheckpoint.controller;

import static java.util.stream.Collectors.toMap;
import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.api.Condition.Status;
import dev.vmcheckpoint.api.ConditionType;
import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.controller.fixture.FakeMachine;
import dev.vmcheckpoint.controller.fixture.FakeSidecar;
import dev.vmcheckpoint.controller.fixture.LeftoverRecords;
import dev.vmcheckpoint.controller.fixture.TestCheckpoint;
import dev.vmcheckpoint.controller.fixture.TestCluster;
import dev.vmcheckpoint.node.NodeApiException;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import java.io.IOException;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What a deletion leaves behind is recorded before the resource goes, and swept later. */
final class LeftoverIT {
  @RegisterExtension static final TestCluster CLUSTER = new TestCluster();
  private static final LeftoverRecords RECORDS = new LeftoverRecords(CLUSTER);

  private OperatorProcess operator = OperatorProcess.start(CLUSTER);

  @AfterEach
  void stopOperator() {
    operator.close();
    RECORDS.clear();
  }

  @Test
  void whatIsLeftIsRecordedBeforeTheResourceGoesAndRemovedWhenTheMachineIsSeenAgain() {
    CLUSTER.startSidecar();
    FakeMachine machine = CLUSTER.startMachine("db-0", "vda");
    TestCheckpoint stays = CLUSTER.apply("stays", "db-0").whenReady();
    TestCheckpoint goes = CLUSTER.apply("goes", "db-0").whenReady();
    String uid = goes.uid();
    String bitmap = goes.bitmap("vda");
    CLUSTER.deletePod("db-0");
    goes.whenOutOfSight();

    goes.delete();
    goes.whenGone();

    goes.whenTold(Reason.BitmapsLeftBehind);
    assertThat(RECORDS.of(uid)).hasValueSatisfying(record -> assertThat(record).contains(bitmap));
    assertThat(operator.calls().writesTo("/configmaps", "/goes"))
        .containsExactly("PATCH /goes", "POST /configmaps", "PATCH /goes");

    machine.restart();
    CLUSTER.startAgain("db-0", machine);

    TestCluster.awaitThat("the sweep", () -> machine.bitmapsOf(uid, "vda").isEmpty());
    TestCluster.awaitThat("the end of the record", () -> RECORDS.of(uid).isEmpty());
    stays.when(ConditionType.Valid, Status.True, Reason.Recording);
    assertThat(machine.bitmapsOf(stays.uid(), "vda")).containsExactly(stays.bitmap("vda"));
  }

  @Test
  void anotherOperatorSweepsWhatThisOneRecorded() {
    CLUSTER.startSidecar();
    FakeMachine machine = CLUSTER.startMachine("db-0", "vda");
    TestCheckpoint checkpoint = CLUSTER.apply("handed-on", "db-0").whenReady();
    String uid = checkpoint.uid();
    CLUSTER.deletePod("db-0");
    checkpoint.whenOutOfSight();
    checkpoint.delete();
    checkpoint.whenGone();
    operator.close();
    CLUSTER.startAgain("db-0", machine);
    assertThat(machine.bitmapsOf(uid, "vda")).hasSize(1);

    operator = OperatorProcess.start(CLUSTER);

    TestCluster.awaitThat("the sweep", () -> machine.bitmapsOf(uid, "vda").isEmpty());
    TestCluster.awaitThat("the end of the record", () -> RECORDS.of(uid).isEmpty());
  }

  @Test
  void whatCannotBeRemovedInTimeIsRecordedAndRemovedOnceItCan() {
    FakeSidecar sidecar = CLUSTER.startSidecar();
    FakeMachine machine = CLUSTER.startMachine("db-0", "vda");
    TestCheckpoint checkpoint = CLUSTER.apply("too-late", "db-0").whenReady();
    String uid = checkpoint.uid();
    sidecar.beforeRemove(LeftoverIT::noAnswer);

    checkpoint.delete();
    checkpoint.whenGone();
    assertThat(RECORDS.of(uid)).isPresent();
    sidecar.heal();

    TestCluster.awaitThat("the sweep", () -> machine.bitmapsOf(uid, "vda").isEmpty());
    TestCluster.awaitThat("the end of the record", () -> RECORDS.of(uid).isEmpty());
  }

  @Test
  void aBitmapInALowerLayerIsRemovedOnceThatIsActiveAgain() {
    CLUSTER.startSidecar();
    FakeMachine machine = CLUSTER.startMachine("db-0", "vda");
    TestCheckpoint checkpoint = CLUSTER.apply("below", "db-0").whenReady();
    String uid = checkpoint.uid();
    machine.putOverlay("vda");

    checkpoint.delete();
    checkpoint.whenGone();
    assertThat(RECORDS.of(uid))
        .hasValueSatisfying(record -> assertThat(record).contains("/disks/vda.qcow2"));
    machine.commitOverlay("vda");

    TestCluster.awaitThat("the sweep", () -> machine.bitmapsOf(uid, "vda").isEmpty());
    TestCluster.awaitThat("the end of the record", () -> RECORDS.of(uid).isEmpty());
  }

  @Test
  void aCheckpointThatIsThereKeepsItsBitmapsWhateverIsRecorded() {
    FakeSidecar sidecar = CLUSTER.startSidecar();
    FakeMachine machine = CLUSTER.startMachine("db-0", "vda");
    TestCheckpoint gone = CLUSTER.apply("restored", "db-0").whenReady();
    String record =
        """
        {"checkpoint":"%s","namespace":"%s","machine":"db-0","since":1,"bitmaps":[]}"""
            .formatted(gone.uid(), CLUSTER.namespace());
    operator.close();
    CLUSTER
        .admin()
        .resource(
            new ConfigMapBuilder()
                .withNewMetadata()
                .withNamespace(CLUSTER.operatorNamespace())
                .withName(LeftoverRecords.nameOf(0))
                .endMetadata()
                .withData(Map.of(gone.uid(), record))
                .build())
        .create();

    operator = OperatorProcess.start(CLUSTER);
    int looks = sidecar.looks();
    TestCluster.awaitThat("six looks", () -> sidecar.looks() >= looks + 6);

    assertThat(machine.bitmapsOf(gone.uid(), "vda")).hasSize(1);
    gone.when(ConditionType.Valid, Status.True, Reason.Recording);
  }

  @Test
  void aRecordThatCannotBeWrittenHoldsTheResourceOnlyForABoundedTime() {
    CLUSTER.startSidecar();
    CLUSTER.startMachine("db-0", "vda");
    TestCheckpoint checkpoint = CLUSTER.apply("unrecorded", "db-0").whenReady();
    refuseRecords();
    CLUSTER.deletePod("db-0");
    checkpoint.whenOutOfSight();

    checkpoint.delete();
    checkpoint.whenGone();

    checkpoint.whenTold(Reason.BitmapsLeftBehind);
    assertThat(CLUSTER.events("unrecorded"))
        .filteredOn(event -> event.getReason().equals("BitmapsLeftBehind"))
        .singleElement()
        .satisfies(event -> assertThat(event.getNote()).contains("not recorded"));
  }

  @Test
  void aRecordThatWasDroppedForNewerOnesIsSaid() {
    CLUSTER.startSidecar();
    CLUSTER.startMachine("db-0", "vda");
    TestCheckpoint checkpoint = CLUSTER.apply("one-too-many", "db-0").whenReady();
    fillAllRecords();
    CLUSTER.deletePod("db-0");
    checkpoint.whenOutOfSight();

    checkpoint.delete();
    checkpoint.whenGone();

    TestCluster.awaitThat(
        "an event about the record",
        () ->
            CLUSTER
                .admin()
                .events()
                .v1()
                .events()
                .inNamespace(CLUSTER.operatorNamespace())
                .list()
                .getItems()
                .stream()
                .anyMatch(event -> event.getReason().equals("LeftoverForgotten")));
    assertThat(operator.counted("vmcheckpoint.leftovers.dropped")).isEqualTo(1);
  }

  private static void refuseRecords() {
    for (int shard = 0; shard < 16; shard++) {
      CLUSTER
          .admin()
          .resource(shard(shard).withImmutable(true).withData(Map.of()).build())
          .create();
    }
  }

  private static void fillAllRecords() {
    for (int shard = 0; shard < 16; shard++) {
      Map<String, String> records =
          IntStream.range(0, 256)
              .boxed()
              .collect(
                  toMap(
                      "%x"::formatted,
                      i ->
                          """
                          {"checkpoint":"%x","namespace":"gone","machine":"gone","since":%d,"bitmaps":[]}"""
                              .formatted(i, i)));
      CLUSTER.admin().resource(shard(shard).withData(records).build()).create();
    }
  }

  private static ConfigMapBuilder shard(int number) {
    return new ConfigMapBuilder()
        .withNewMetadata()
        .withNamespace(CLUSTER.operatorNamespace())
        .withName(LeftoverRecords.nameOf(number))
        .endMetadata();
  }

  private static void noAnswer() {
    throw new NodeApiException.NoAnswer("no answer", new IOException());
  }
}
