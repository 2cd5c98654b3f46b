package dev.vmcheckpoint.controller;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.api.Condition.Status;
import dev.vmcheckpoint.api.ConditionType;
import dev.vmcheckpoint.api.DiskState;
import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.controller.fixture.FakeMachine;
import dev.vmcheckpoint.controller.fixture.FakeSidecar;
import dev.vmcheckpoint.controller.fixture.TestCheckpoint;
import dev.vmcheckpoint.node.EpochRequest;
import dev.vmcheckpoint.node.ErrorCode;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/** Disks of which one stands in the way of being carried over together are so one by one. */
final class RenewalApartIT extends WithOperator {
  private static final List<String> BOTH = List.of("vda", "vdb");
  private static final List<String> SECOND = List.of("vdb");

  @Test
  void whereEachSucceedsAloneOneStatusRecordsAll() {
    FakeSidecar sidecar = cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda", "vdb");
    TestCheckpoint checkpoint = cluster.apply("each-alone", "db-0").whenReady();
    sidecar.beforeEachRenew(() -> refuse(sidecar, BOTH, ErrorCode.BitmapBusy));

    carriedOver(machine, checkpoint);

    assertThat(renewals(sidecar)).containsExactly(BOTH, List.of("vda"), SECOND);
  }

  @Test
  void whereTheLookIsTooOldForOneNothingIsSaidBeforeTheNext() {
    FakeSidecar sidecar = cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda", "vdb");
    TestCheckpoint checkpoint = cluster.apply("too-old", "db-0").whenReady();
    AtomicBoolean isTooOld = new AtomicBoolean(true);
    sidecar.beforeEachRenew(
        () -> {
          refuse(sidecar, BOTH, ErrorCode.BitmapBusy);
          if (asked(sidecar.renewals().getLast()).equals(SECOND)
              && isTooOld.compareAndSet(true, false)) {
            throw FakeSidecar.problem(ErrorCode.EpochMissing, "there is no such marker");
          }
        });

    carriedOver(machine, checkpoint);

    assertThat(renewals(sidecar)).endsWith(SECOND);
    assertThat(renewals(sidecar)).filteredOn(SECOND::equals).hasSizeGreaterThan(1);
  }

  /** A restart, and that one status alone tells of it. */
  private void carriedOver(FakeMachine machine, TestCheckpoint checkpoint) {
    List<String> before = List.of(checkpoint.epoch("vda"), checkpoint.epoch("vdb"));
    int writes = writesAbout(checkpoint);

    machine.restart();

    checkpoint.when(
        "carried over",
        now ->
            now.disks().stream().noneMatch(disk -> before.contains(disk.epoch()))
                && now.disks().stream().allMatch(disk -> disk.state() == DiskState.Recording));
    assertThat(writesAbout(checkpoint)).isEqualTo(writes + 1);
    assertThat(machine.epochs("vda")).contains(checkpoint.epoch("vda"));
    assertThat(machine.epochs("vdb")).contains(checkpoint.epoch("vdb"));
  }

  private int writesAbout(TestCheckpoint checkpoint) {
    return operator.calls().writesAbout(cluster.namespace(), checkpoint.name()).size();
  }

  @Test
  void aTroubleOfTheMachineIsSaidOfAllThoughOneHadSucceeded() {
    FakeSidecar sidecar = cluster.startSidecar();
    FakeMachine machine = cluster.startMachine("db-0", "vda", "vdb");
    TestCheckpoint checkpoint = cluster.apply("of-the-machine", "db-0").whenReady();
    AtomicBoolean isSilent = new AtomicBoolean(true);
    sidecar.beforeEachRenew(
        () -> {
          refuse(sidecar, BOTH, ErrorCode.BitmapBusy);
          if (isSilent.get()) {
            refuse(sidecar, SECOND, ErrorCode.MonitorTimeout);
          }
        });

    machine.restart();

    checkpoint.when(
        "unknown",
        now -> now.disks().stream().allMatch(disk -> disk.reason() == Reason.MonitorUnavailable));
    assertThat(renewals(sidecar)).startsWith(BOTH, List.of("vda"), SECOND);
    isSilent.set(false);
    checkpoint.when(ConditionType.Valid, Status.True, Reason.Recording);
  }

  private static void refuse(FakeSidecar sidecar, List<String> disks, ErrorCode why) {
    EpochRequest last = sidecar.renewals().getLast();
    if (isRenewal(last) && asked(last).equals(disks)) {
      throw FakeSidecar.problem(why, "not now");
    }
  }

  private static List<List<String>> renewals(FakeSidecar sidecar) {
    return sidecar.renewals().stream()
        .filter(RenewalApartIT::isRenewal)
        .map(RenewalApartIT::asked)
        .toList();
  }

  /** Markers are removed by the same call. */
  private static boolean isRenewal(EpochRequest request) {
    return request.disks().stream().allMatch(disk -> disk.remove().isEmpty());
  }

  private static List<String> asked(EpochRequest request) {
    return request.disks().stream().map(EpochRequest.Disk::name).toList();
  }
}
