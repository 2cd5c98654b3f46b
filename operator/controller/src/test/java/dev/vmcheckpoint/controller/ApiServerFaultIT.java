package dev.vmcheckpoint.controller;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.api.Condition.Status;
import dev.vmcheckpoint.api.ConditionType;
import dev.vmcheckpoint.api.DiskState;
import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.controller.fixture.Detour;
import dev.vmcheckpoint.controller.fixture.Detour.Fault;
import dev.vmcheckpoint.controller.fixture.FakeMachine;
import dev.vmcheckpoint.controller.fixture.FakeSidecar;
import dev.vmcheckpoint.controller.fixture.LeftoverRecords;
import dev.vmcheckpoint.controller.fixture.TestCheckpoint;
import dev.vmcheckpoint.controller.fixture.TestCluster;
import io.fabric8.kubernetes.client.Config;
import java.util.Locale;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** One request to the API server fails, at each step in turn. */
final class ApiServerFaultIT extends WithOperator {
  private Detour detour;

  @BeforeAll
  void takeDetour() {
    detour = Detour.to(cluster);
    operator.calls().take(detour);
  }

  @AfterAll
  void closeDetour() {
    detour.close();
  }

  /** The client is not to hide anything from the operator by trying again itself. */
  @Override
  Config config() {
    Config config = cluster.operatorConfig();
    config.setRequestRetryBackoffLimit(0);
    config.setRequestTimeout(1_000);
    return config;
  }

  @ParameterizedTest
  @EnumSource
  void theFinalizerThatFailsIsTriedAgainAndNothingIsMadeBefore(Fault fault) {
    FakeSidecar sidecar = cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda");
    String name = name("finalizer", fault);
    detour.next("PATCH", "/" + name, fault);

    TestCheckpoint checkpoint = cluster.apply(name, "db-0").whenReady();

    assertThat(detour.wentWrong()).isTrue();
    assertThat(sidecar.creations()).isEqualTo(1);
    assertOneBitmap(machine, checkpoint);
  }

  @ParameterizedTest
  @EnumSource(
      mode = EnumSource.Mode.EXCLUDE,
      names = {"ANSWER_IS_AN_ERROR", "ANSWER_IS_LOST"})
  void aResourceThatCannotBeReadGetsNoBitmaps(Fault fault) {
    FakeSidecar sidecar = cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda");
    String name = name("read", fault);
    sidecar.beforeNextEnsure(() -> assertThat(detour.wentWrong()).isTrue());
    detour.next("GET", "/" + name, fault);

    TestCheckpoint checkpoint = cluster.apply(name, "db-0").whenReady();

    assertThat(sidecar.creations()).isEqualTo(1);
    assertOneBitmap(machine, checkpoint);
  }

  @ParameterizedTest
  @EnumSource
  void theStatusThatEstablishesIsDecidedAnewAndTheBitmapsAreAdopted(Fault fault) {
    cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda");
    String name = name("established", fault);
    detour.next("PATCH", "/" + name + "/status", fault);

    TestCheckpoint checkpoint = cluster.apply(name, "db-0").whenReady();

    TestCluster.awaitThat("the fault", detour::wentWrong);
    assertOneBitmap(machine, checkpoint);
  }

  @ParameterizedTest
  @EnumSource
  void aLossThatCannotBeWrittenIsSaidLaterAndNothingIsRemovedBefore(Fault fault) {
    FakeSidecar sidecar = cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda", "vdb");
    String name = name("lost", fault);
    TestCheckpoint checkpoint = cluster.apply(name, "db-0").whenReady();
    detour.next("PATCH", "/" + name + "/status", fault);
    sidecar.beforeRemove(
        () -> assertThat(checkpoint.disk("vda").state()).isEqualTo(DiskState.Lost));

    machine.breakBitmap("vda", checkpoint.bitmap("vda"));

    checkpoint.when(ConditionType.Valid, Status.False, Reason.DisksLost);
    TestCluster.awaitThat(
        "the removal", () -> machine.bitmapsOf(checkpoint.uid(), "vda").isEmpty());
    assertThat(detour.wentWrong()).isTrue();
    assertThat(checkpoint.disk("vdb").state()).isEqualTo(DiskState.Recording);
  }

  @ParameterizedTest
  @EnumSource
  void aFinalizerThatIsNotReleasedIsReleasedLater(Fault fault) {
    cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda");
    String name = name("released", fault);
    TestCheckpoint checkpoint = cluster.apply(name, "db-0").whenReady();
    String uid = checkpoint.uid();
    detour.next("PATCH", "/" + name, fault);

    checkpoint.delete();
    checkpoint.whenGone();

    TestCluster.awaitThat("the fault", detour::wentWrong);
    assertThat(machine.bitmapsOf(uid, "vda")).isEmpty();
  }

  @ParameterizedTest
  @EnumSource
  void aLeftoverThatIsNotRecordedHoldsTheResourceUntilItIs(Fault fault) {
    LeftoverRecords records = new LeftoverRecords(cluster);
    records.clear();
    cluster.startSidecar();
    cluster.startMachine("db-0", "vda");
    String name = name("left", fault);
    TestCheckpoint checkpoint = cluster.apply(name, "db-0").whenReady();
    String uid = checkpoint.uid();
    cluster.deletePod("db-0");
    detour.next("POST", "/configmaps", fault);

    checkpoint.delete();
    checkpoint.whenGone();

    assertThat(detour.wentWrong()).isTrue();
    assertThat(records.of(uid)).isPresent();
  }

  private static String name(String step, Fault fault) {
    return step + "-" + fault.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  private static void assertOneBitmap(FakeMachine machine, TestCheckpoint checkpoint) {
    assertThat(machine.bitmapsOf(checkpoint.uid(), "vda"))
        .containsExactly(checkpoint.bitmap("vda"));
  }
}
