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
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** One request to the API server fails, at each step in turn. */
final class ApiServerFaultIT extends WithOperator {
  private static final String OF_WRITES_ONLY = "ANSWER_IS_.*";

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
    config.setRequestTimeout(3_000);
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
  @EnumSource(mode = EnumSource.Mode.MATCH_NONE, names = OF_WRITES_ONLY)
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
  void aRenewalThatCannotBeWrittenIsRecordedLaterAndTheOpeningIsTheSame(Fault fault) {
    cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda");
    String name = name("renewed", fault);
    TestCheckpoint checkpoint = cluster.apply(name, "db-0").whenReady();
    String recorded = checkpoint.epoch("vda");
    detour.next("PATCH", "/" + name + "/status", fault);

    machine.restart();

    checkpoint.when("renewed", now -> !recorded.equals(now.disks().getFirst().epoch()));
    TestCluster.awaitThat("the fault", detour::wentWrong);
    assertThat(checkpoint.disk("vda").state()).isEqualTo(DiskState.Recording);
    assertThat(checkpoint.epoch("vda")).isIn(machine.epochs("vda"));
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.MATCH_NONE, names = OF_WRITES_ONLY)
  void aMarkerIsNotRemovedBeforeAllCheckpointsCouldBeRead(Fault fault) {
    FakeSidecar sidecar = cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda");
    TestCheckpoint checkpoint = cluster.apply(name("marker", fault), "db-0").whenReady();
    String recorded = checkpoint.epoch("vda");
    AtomicBoolean early = new AtomicBoolean();
    sidecar.beforeEachRenew(
        () -> {
          if (!sidecar.renewals().getLast().disks().getFirst().remove().isEmpty()) {
            early.compareAndSet(false, !detour.wentWrong());
          }
        });
    detour.next("GET", checkpoints(), fault);

    machine.restart();

    TestCluster.awaitThat("the removal", () -> !machine.epochs("vda").contains(recorded));
    assertThat(early).isFalse();
    checkpoint.when(ConditionType.Valid, Status.True, Reason.Recording);
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.MATCH_NONE, names = OF_WRITES_ONLY)
  void nothingIsSweptBeforeTheCheckpointsCouldBeRead(Fault fault) {
    FakeSidecar sidecar = cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda");
    String uid = leaveBehind(name("swept", fault));
    AtomicBoolean early = new AtomicBoolean();
    sidecar.beforeRemove(() -> early.compareAndSet(false, !detour.wentWrong()));
    detour.next("GET", checkpoints(), fault);

    machine.restart();
    cluster.startAgain("db-0", machine);

    TestCluster.awaitThat("the sweep", () -> machine.bitmapsOf(uid, "vda").isEmpty());
    assertThat(early).isFalse();
  }

  @ParameterizedTest
  @EnumSource
  void aRecordOfALeftoverThatCannotBeTakenAwayIsTakenAwayLater(Fault fault) {
    cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda");
    String uid = leaveBehind(name("settled", fault));
    detour.next("PUT", "/" + records().holding(uid), fault);

    machine.restart();
    cluster.startAgain("db-0", machine);

    TestCluster.awaitThat("the end of the record", () -> records().of(uid).isEmpty());
    TestCluster.awaitThat("the fault", detour::wentWrong);
    assertThat(machine.bitmapsOf(uid, "vda")).isEmpty();
  }

  /** Deletes a checkpoint while its machine is out of sight, and returns its UID. */
  private String leaveBehind(String name) {
    TestCheckpoint checkpoint = cluster.apply(name, "db-0").whenReady();
    String uid = checkpoint.uid();
    cluster.deletePod("db-0");
    checkpoint.whenOutOfSight();
    checkpoint.delete();
    checkpoint.whenGone();
    assertThat(records().of(uid)).isPresent();
    return uid;
  }

  private LeftoverRecords records() {
    return new LeftoverRecords(cluster);
  }

  /** The path of the uncached list. */
  private String checkpoints() {
    return "/namespaces/%s/virtualmachinecheckpoints".formatted(cluster.namespace());
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
    records().clear();
    cluster.startSidecar();
    cluster.startMachine("db-0", "vda");
    String name = name("left", fault);
    TestCheckpoint checkpoint = cluster.apply(name, "db-0").whenReady();
    String uid = checkpoint.uid();
    cluster.deletePod("db-0");
    checkpoint.whenOutOfSight();
    detour.next("POST", "/configmaps", fault);

    checkpoint.delete();
    checkpoint.whenGone();

    assertThat(detour.wentWrong()).isTrue();
    assertThat(records().of(uid)).isPresent();
  }

  private static String name(String step, Fault fault) {
    return step + "-" + fault.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  private static void assertOneBitmap(FakeMachine machine, TestCheckpoint checkpoint) {
    assertThat(machine.bitmapsOf(checkpoint.uid(), "vda"))
        .containsExactly(checkpoint.bitmap("vda"));
  }
}
