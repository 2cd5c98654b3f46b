package dev.vmcheckpoint.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.vmcheckpoint.e2e.fixture.Checkpoint;
import dev.vmcheckpoint.e2e.fixture.Cluster;
import dev.vmcheckpoint.e2e.fixture.Disk;
import dev.vmcheckpoint.e2e.fixture.RunningMachine;
import dev.vmcheckpoint.e2e.fixture.SharedStorage;
import dev.vmcheckpoint.e2e.fixture.VirtualMachine;
import dev.vmcheckpoint.e2e.fixture.VirtualMachine.Guest;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Live migrations from one node to another, on storage that both have. */
class MigrationE2E {
  @RegisterExtension static final Cluster CLUSTER = new Cluster("migration");

  private static final long FAST = 1L << 30;

  /** The machine's memory then takes longer than any test waits. */
  private static final long HARDLY_AT_ALL = 1000;

  private final Deque<SharedStorage> storage = new ArrayDeque<>();

  @AfterEach
  void releaseStorage() {
    storage.forEach(SharedStorage::close);
  }

  @ParameterizedTest
  @ValueSource(strings = {"events", "dirty-bitmaps"})
  void aCheckpointFollowsItsMachineToAnotherNode(String capability) {
    Migration migration = start("vm-" + capability, Guest.LINUX_WRITING);
    RunningMachine source = migration.source().whenGuestWrites();
    RunningMachine target = migration.target();
    Checkpoint checkpoint = apply("on-" + capability, migration).whenReady();
    String bitmap = checkpoint.bitmap("vda");
    long before = source.count("vda", bitmap);

    source.migrateTo(target, FAST, capability);
    source.whenMigrationIs("completed");

    checkpoint.when("Recording on node2", now -> isRecordingOn(now, target));
    assertThat(checkpoint.bitmap("vda")).isEqualTo(bitmap);
    assertThat(target.count("vda", bitmap)).isGreaterThanOrEqualTo(before);
    target.write("vda", "0", "64M");
    assertThat(target.count("vda", bitmap)).isEqualTo(64 << 20);

    source.delete();
    checkpoint.probe("without-source");
    assertThat(isRecordingOn(checkpoint, target)).isTrue();
  }

  @Test
  void nothingIsConcludedWhileTheMachineMigrates() {
    Migration migration = start("vm-slow", Guest.FIRMWARE);
    Checkpoint checkpoint = apply("slow", migration).whenReady();

    migration.source().migrateTo(migration.target(), HARDLY_AT_ALL);
    migration.source().whenMigrationIs("active");
    List<JsonNode> atSource = migration.source().bitmaps("vda");
    List<JsonNode> atTarget = migration.target().bitmaps("vda");

    checkpoint.probe("meanwhile");
    assertThat(migration.source().bitmaps("vda")).isEqualTo(atSource);
    assertThat(migration.target().bitmaps("vda")).isEqualTo(atTarget);
    assertThat(checkpoint.condition("Valid").path("status").asText()).isEqualTo("Unknown");
    assertThat(checkpoint.disk("vda").path("state").asText()).isEqualTo("Unknown");
    assertThat(checkpoint.disk("vda").path("reason").asText()).isEqualTo("Migrating");
    migration.source().limitMigrationTo(FAST);
    checkpoint.when("Recording on node2", now -> isRecordingOn(now, migration.target()));
  }

  @Test
  void nothingIsConcludedWhileTheBitmapsFollowInPostcopy() {
    Migration migration = start("vm-postcopy", Guest.FIRMWARE, Disk.sparse("vda", "1T"));
    RunningMachine source = migration.source();
    Checkpoint checkpoint = apply("postcopy", migration).whenReady();
    source.write("vda", "0", "1M");

    source.command("migrate-set-parameters", "{\"max-postcopy-bandwidth\":1000}");
    source.migrateTo(migration.target(), HARDLY_AT_ALL, "dirty-bitmaps");
    source.whenMigrationIs("active");
    source.command("migrate-start-postcopy", "{}");
    source.limitMigrationTo(FAST);
    source.whenMigrationIs("postcopy-active");

    checkpoint.probe("meanwhile");
    assertThat(checkpoint.disk("vda").path("reason").asText()).isEqualTo("Migrating");
    assertThat(checkpoint.disk("vda").path("state").asText()).isEqualTo("Unknown");
    source.command("migrate-set-parameters", "{\"max-postcopy-bandwidth\":%d}".formatted(FAST));
    checkpoint.when("Recording on node2", now -> isRecordingOn(now, migration.target()));
    assertThat(checkpoint.probe("after").disk("vda").path("dirtyBytes").asLong())
        .isEqualTo(1 << 20);
  }

  @ParameterizedTest
  @ValueSource(strings = {"events", "dirty-bitmaps"})
  void aMigrationThatFailsCostsNothing(String capability) {
    Migration migration = start("vm-failed-" + capability, Guest.FIRMWARE);
    Checkpoint checkpoint = apply("failed-" + capability, migration).whenReady();
    migration.source().migrateTo(migration.target(), HARDLY_AT_ALL, capability);
    migration.source().whenMigrationIs("active");

    migration.target().qemu().destroyForcibly();

    migration.source().whenMigrationIs("failed");
    checkpoint.when("Recording on node1", now -> isRecordingOn(now, migration.source()));
  }

  @Test
  void aCheckpointMadeDuringAMigrationIsEstablishedWhereTheMachineArrives() {
    Migration migration = start("vm-made", Guest.FIRMWARE);
    migration.source().migrateTo(migration.target(), HARDLY_AT_ALL);
    migration.source().whenMigrationIs("active");

    Checkpoint checkpoint = apply("made", migration);

    checkpoint.whenNotReadyFor("Migrating");
    assertThat(migration.source().bitmaps("vda")).isEmpty();
    assertThat(migration.target().bitmaps("vda")).isEmpty();
    migration.source().limitMigrationTo(FAST);
    checkpoint.whenReady();
    assertThat(migration.target().bitmapsOf(checkpoint.uid(), "vda")).hasSize(1);
    assertThat(isRecordingOn(checkpoint, migration.target())).isTrue();
  }

  @Test
  void aCheckpointDeletedDuringAMigrationIsRemovedWhereTheMachineArrives() {
    Migration migration = start("vm-deleted", Guest.FIRMWARE);
    Checkpoint checkpoint = apply("deleted", migration).whenReady();
    String uid = checkpoint.uid();
    migration.source().migrateTo(migration.target(), HARDLY_AT_ALL);
    migration.source().whenMigrationIs("active");

    checkpoint.beginToDelete();
    checkpoint.when(
        "Deleting", now -> now.condition("Reconciling").path("reason").asText().equals("Deleting"));

    assertThat(migration.source().bitmapsOf(uid, "vda")).hasSize(1);
    migration.source().limitMigrationTo(FAST);
    checkpoint.whenGone();
    assertThat(migration.target().bitmaps("vda")).isEmpty();
  }

  @Test
  void bitmapsThatMayKeepAMigrationFromEndingAreWarnedOf() {
    RunningMachine.start(CLUSTER, VirtualMachine.named("vm-large", Disk.sparse("vda", "1T")));

    Checkpoint coarse = Checkpoint.apply(CLUSTER, "coarse", "vm-large").whenReady();
    assertThat(coarse.eventReasons()).doesNotContain("MigrationMayNotEnd");
    Checkpoint fine =
        Checkpoint.apply(CLUSTER, "fine", "vm-large", "granularity: 16Ki").whenReady();

    fine.whenTold("MigrationMayNotEnd");
  }

  @Test
  void aBitmapThatMakesAMigrationFailIsWarnedOf() {
    RunningMachine machine =
        RunningMachine.start(CLUSTER, VirtualMachine.named("vm-foreign", Disk.qcow2("vda")));
    String foreign = "f".repeat(300);
    machine.command(
        "block-dirty-bitmap-add", "{\"node\":\"vda-format\",\"name\":\"%s\"}".formatted(foreign));

    Checkpoint checkpoint = Checkpoint.apply(CLUSTER, "foreign", "vm-foreign").whenReady();

    checkpoint.whenTold("MigrationWillFail");
  }

  /** A machine, and the pod that it can migrate to. */
  private record Migration(String machine, RunningMachine source, RunningMachine target) {}

  private Migration start(String name, Guest guest) {
    return start(name, guest, Disk.qcow2("vda"));
  }

  private Migration start(String name, Guest guest, Disk disk) {
    SharedStorage shared = SharedStorage.make(CLUSTER, name);
    storage.push(shared);
    VirtualMachine machine = VirtualMachine.named(name, disk).with(guest).with(shared);
    RunningMachine source = RunningMachine.start(CLUSTER, machine);
    return new Migration(name, source, RunningMachine.start(CLUSTER, machine.migrationTarget()));
  }

  private static Checkpoint apply(String name, Migration migration) {
    return Checkpoint.apply(CLUSTER, name, migration.machine());
  }

  private static boolean isRecordingOn(Checkpoint checkpoint, RunningMachine machine) {
    return checkpoint.isCondition("Valid", "True")
        && checkpoint
            .status()
            .at("/virtualMachine/podUID")
            .asText()
            .equals(machine.pod().getMetadata().getUid());
  }
}
