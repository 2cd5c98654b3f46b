package dev.vmcheckpoint.qmp.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.vmcheckpoint.qmp.Command;
import dev.vmcheckpoint.qmp.Deadline;
import dev.vmcheckpoint.qmp.QmpException;
import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.BitmapBusy;
import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.DeadlineExceeded;
import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.DiskIneligible;
import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.DiskUnknown;
import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.GuestNotRunning;
import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.Migrating;
import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.OutcomeUnknown;
import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.Refused;
import dev.vmcheckpoint.qmp.checkpoint.Client.Between;
import dev.vmcheckpoint.qmp.checkpoint.Ensured.CheckpointDisk;
import dev.vmcheckpoint.qmp.fixture.Qemu;
import dev.vmcheckpoint.qmp.fixture.StoppableMedium;
import dev.vmcheckpoint.qmp.fixture.Tool;
import dev.vmcheckpoint.qmp.machine.Ineligibility.Reason;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
final class CreationIT {
  private static final CheckpointUid OTHER = new CheckpointUid("0b");
  private static final String OWN_PREFIX = "vmcp-" + Client.UID + ".";

  @TempDir Path dir;

  // What is created

  @Test
  void aDiskGetsARecordingPersistentBitmap() {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      qemu.guestWrites("vda", "0");
      CheckpointDisk vda = client.ensure("vda").disks().getFirst();

      JsonNode bitmap = qemu.bitmap("vda-node", vda.bitmap());
      assertThat(bitmap.path("recording").booleanValue()).isTrue();
      assertThat(bitmap.path("persistent").booleanValue()).isTrue();
      assertThat(bitmap.path("count").longValue()).isZero();
      assertThat(bitmap.path("granularity").longValue()).isEqualTo(65536);
      assertThat(vda.granularityBytes()).isEqualTo(65536);
      assertThat(vda.bitmap()).startsWith(OWN_PREFIX).endsWith(".vda");
      assertThat(vda.virtualSizeBytes()).isEqualTo(16 << 20);
      assertThat(vda.image().file()).isEqualTo(dir.resolve("vda.qcow2").toString());
      assertThat(vda.blockNode()).isEqualTo("vda-node");
    }
  }

  @Test
  void theBitmapListsWhatTheGuestWritesFromThenOn() {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      qemu.guestWrites("vda", "0");
      client.ensure("vda");
      qemu.guestWrites("vda", "1M");

      assertThat(client.ensure("vda").disks().getFirst().dirtyBytes()).isEqualTo(65536);
    }
  }

  @Test
  void theOpeningOfTheImageIsMarked() {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      String epoch = client.ensure("vda").disks().getFirst().epoch();

      JsonNode persistent = qemu.bitmap("vda-node", "vmcp-epoch." + epoch);
      JsonNode transientOne = qemu.bitmap("vda-node", "vmcp-open." + epoch);
      assertThat(persistent.path("persistent").booleanValue()).isTrue();
      assertThat(transientOne.path("persistent").booleanValue()).isFalse();
      assertThat(List.of(persistent, transientOne))
          .allSatisfy(
              marker -> {
                assertThat(marker.path("recording").booleanValue()).isFalse();
                assertThat(marker.path("granularity").longValue()).isEqualTo(1L << 31);
              });
    }
  }

  @Test
  void aSecondCheckpointRecordsTheSameMarker() {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      String first = client.ensure("vda").disks().getFirst().epoch();
      String second =
          client
              .ensure(OTHER, OptionalLong.empty(), Barrier.FLUSH, "vda")
              .disks()
              .getFirst()
              .epoch();

      assertThat(second).isEqualTo(first);
      assertThat(qemu.bitmaps("vda-node")).hasSize(4);
    }
  }

  @Test
  void severalDisksAreAddedInOneTransactionAndFlushed() {
    try (Qemu qemu = twoDisks().start();
        Client client = Client.of(qemu)) {
      Ensured ensured = client.ensure("vdb", "vda");

      assertThat(ensured.disks()).extracting(CheckpointDisk::name).containsExactly("vdb", "vda");
      assertThat(ensured.adopted()).isFalse();
      assertThat(ensured.flushed()).isTrue();
      assertThat(client.changes())
          .startsWith("transaction")
          .doesNotContain("block-dirty-bitmap-add");
    }
  }

  @Test
  void oneDiskNeedsNoTransactionWhichWouldHoldTheGuest() {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      client.ensure("vda");

      assertThat(client.changes()).doesNotContain("transaction");
    }
  }

  @Test
  void withoutABarrierNothingIsSentThatWaits() {
    try (Qemu qemu = twoDisks().start();
        Client client = Client.of(qemu)) {
      Ensured ensured = client.ensure(Barrier.NONE, "vda", "vdb");

      assertThat(ensured.flushed()).isFalse();
      assertThat(ensured.disks()).hasSize(2);
      assertThat(client.changes()).containsOnly("block-dirty-bitmap-add");
    }
  }

  @Test
  void theGranularityCanBeChosen() {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      Ensured ensured = client.ensure(Client.UID, OptionalLong.of(512), Barrier.FLUSH, "vda");

      assertThat(ensured.disks().getFirst().granularityBytes()).isEqualTo(512);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 256, 1000, 1L << 32, -512})
  void aGranularityIsAPowerOfTwoFrom512To2Gi(long bytes) {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> client.ensure(Client.UID, OptionalLong.of(bytes), Barrier.FLUSH, "vda"))
          .withMessageContaining(Long.toString(bytes));
    }
  }

  @Test
  void aDiskIsNamedOnce() {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      assertThatIllegalArgumentException().isThrownBy(() -> client.ensure("vda", "vda"));
      assertThatIllegalArgumentException().isThrownBy(() -> client.ensure());
    }
  }

  @Test
  void aDiskBelowFiltersGetsItsBitmapOnTheFormatNode() {
    try (Qemu qemu =
            Qemu.in(dir)
                .stopped()
                .node("format", Tool.qcow2(dir.resolve("vda.qcow2")))
                .with("-object", "throttle-group,id=group,x-iops-total=1000")
                .with("-blockdev", "driver=throttle,node-name=thr,throttle-group=group,file=format")
                .with("-blockdev", "driver=copy-on-read,node-name=cor,file=thr")
                .device("vda", "cor")
                .start();
        Client client = Client.of(qemu)) {
      CheckpointDisk vda = client.ensure("vda").disks().getFirst();

      assertThat(qemu.bitmaps("format")).contains(vda.bitmap());
    }
  }

  @Test
  void aLegacyDriveGetsItsBitmap() {
    Path image = Tool.qcow2(dir.resolve("vda.qcow2"));

    try (Qemu qemu =
            Qemu.in(dir)
                .stopped()
                .with("-drive", "if=none,id=d,format=qcow2,file=" + image)
                .device("vda", "d")
                .start();
        Client client = Client.of(qemu)) {
      assertThat(client.ensure("vda").disks().getFirst().blockNode()).startsWith("#block");
    }
  }

  @Test
  void devicesThatShareANodeHaveEachABitmapAndOneMarker() {
    try (Qemu qemu =
            Qemu.in(dir)
                .stopped()
                .node("shared", Tool.qcow2(dir.resolve("a.qcow2")))
                .device("vda", "shared", "share-rw=on")
                .device("vdb", "shared", "share-rw=on")
                .start();
        Client client = Client.of(qemu)) {
      Ensured ensured = client.ensure("vda", "vdb");

      assertThat(ensured.disks()).extracting(CheckpointDisk::bitmap).doesNotHaveDuplicates();
      assertThat(qemu.bitmaps("shared")).hasSize(4);
      assertThat(client.remove().removed()).hasSize(2);
      assertThat(qemu.bitmaps("shared")).isEmpty();
    }
  }

  // What lasts

  @Test
  void theBitmapIsInTheImageAfterQemuEnded() {
    String bitmap;
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      bitmap = client.ensure("vda").disks().getFirst().bitmap();
      qemu.quit();
    }

    assertThat(Tool.run("qemu-img", "info", dir.resolve("vda.qcow2").toString()))
        .contains(bitmap, "vmcp-epoch.")
        .doesNotContain("vmcp-open.");
  }

  @Test
  void anotherOpeningOfTheImageIsMarkedAnew() {
    CheckpointDisk before;
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      before = client.ensure("vda").disks().getFirst();
      qemu.quit();
    }

    try (Qemu qemu = sameDisk().start();
        Client client = Client.of(qemu)) {
      CheckpointDisk after = client.ensure("vda").disks().getFirst();

      assertThat(after.bitmap()).isEqualTo(before.bitmap());
      assertThat(after.epoch()).isNotEqualTo(before.epoch());
      assertThat(qemu.bitmaps("vda-node"))
          .contains("vmcp-epoch." + before.epoch(), "vmcp-epoch." + after.epoch());
    }
  }

  @Test
  void whatAKilledQemuLeftInconsistentIsReplaced() {
    String before;
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      before = client.ensure("vda").disks().getFirst().bitmap();
      qemu.quit();
    }
    try (Qemu qemu = sameDisk().start()) {
      qemu.process().destroyForcibly().onExit().join();
    }

    try (Qemu qemu = sameDisk().start();
        Client client = Client.of(qemu)) {
      Ensured ensured = client.ensure("vda");

      assertThat(ensured.adopted()).isFalse();
      assertThat(qemu.bitmaps("vda-node"))
          .contains(ensured.disks().getFirst().bitmap())
          .doesNotContain(before);
    }
  }

  // What was there before

  @Test
  void aCompleteEarlierTryIsTakenOverAndFlushed() {
    try (Qemu qemu = twoDisks().start();
        Client client = Client.of(qemu)) {
      add(qemu, "vda", OWN_PREFIX + "1.vda");
      add(qemu, "vdb", OWN_PREFIX + "1.vdb");

      Ensured ensured = client.ensure("vda", "vdb");

      assertThat(ensured.adopted()).isTrue();
      assertThat(ensured.flushed()).isTrue();
      assertThat(ensured.disks())
          .extracting(CheckpointDisk::bitmap)
          .containsExactly(OWN_PREFIX + "1.vda", OWN_PREFIX + "1.vdb");
      assertThat(client.changes()).doesNotContain("transaction").contains("block-export-add");
    }
  }

  @Test
  void ofSeveralCompleteTriesTheGreatestIsTakenOverAndTheOthersRemoved() {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      List.of("1", "3", "2").forEach(attempt -> add(qemu, "vda", OWN_PREFIX + attempt + ".vda"));

      client.ensure("vda");

      assertThat(qemu.bitmaps("vda-node"))
          .filteredOn(name -> name.startsWith(OWN_PREFIX))
          .containsExactly(OWN_PREFIX + "3.vda");
    }
  }

  @Test
  void ofACallerWhoKnowsOfOtherBitmapsAnIncompleteTryIsLeftAsItIs() {
    try (Qemu qemu = twoDisks().start();
        Client client = Client.of(qemu)) {
      add(qemu, "vda", OWN_PREFIX + "1.vda");

      assertThatExceptionOfType(CheckpointException.Outdated.class)
          .isThrownBy(() -> client.ensureUnknowing("vda", "vdb"));

      assertThat(qemu.bitmaps("vda-node")).containsExactly(OWN_PREFIX + "1.vda");
      assertThat(qemu.bitmaps("vdb-node")).isEmpty();
    }
  }

  @Test
  void ofACallerWhoKnowsOfOtherBitmapsNothingButACompleteTryIsTakenOver() {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      List.of("1", "2").forEach(attempt -> add(qemu, "vda", OWN_PREFIX + attempt + ".vda"));

      assertThat(client.ensureUnknowing("vda").adopted()).isTrue();

      assertThat(qemu.bitmaps("vda-node")).contains(OWN_PREFIX + "1.vda", OWN_PREFIX + "2.vda");
    }
  }

  @Test
  void anIncompleteTryIsCleanedAndACompleteOneMade() {
    try (Qemu qemu = twoDisks().start();
        Client client = Client.of(qemu)) {
      add(qemu, "vda", OWN_PREFIX + "1.vda");

      Ensured ensured = client.ensure("vda", "vdb");

      assertThat(ensured.adopted()).isFalse();
      assertThat(ensured.disks()).hasSize(2);
      assertThat(qemu.bitmaps("vda-node")).doesNotContain(OWN_PREFIX + "1.vda");
    }
  }

  @Test
  void whatAnEarlierTryLeftOnAnotherDiskIsCleaned() {
    try (Qemu qemu = twoDisks().start();
        Client client = Client.of(qemu)) {
      add(qemu, "vdb", OWN_PREFIX + "1.vdb");

      client.ensure("vda");

      assertThat(qemu.bitmaps("vdb-node")).isEmpty();
    }
  }

  @Test
  void aTryThatSomebodyDisabledIsReplaced() {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      String first = client.ensure("vda").disks().getFirst().bitmap();
      qemu.qmp(
          "block-dirty-bitmap-disable",
          "{\"node\": \"vda-node\", \"name\": \"%s\"}".formatted(first));

      assertThat(client.ensure("vda").disks().getFirst().bitmap()).isNotEqualTo(first);
    }
  }

  @Test
  void bitmapsOfOthersAreLeftAlone() {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      List<String> others =
          List.of("vmcp-0b.1.vda", "foreign", OWN_PREFIX.replace("6666", "6667") + "1.vda");
      others.forEach(name -> add(qemu, "vda", name));

      client.ensure("vda");

      assertThat(qemu.bitmaps("vda-node")).containsAll(others).hasSize(6);
    }
  }

  @Test
  void aLeftoverThatIsInUseIsNotTouched() {
    try (Qemu qemu = sharedDisk().start();
        Client client = Client.of(qemu)) {
      add(qemu, "vda", OWN_PREFIX + "1.elsewhere");
      qemu.exports("vda-node", OWN_PREFIX + "1.elsewhere");

      assertThatThrownBy(() -> client.ensure("vda")).isInstanceOf(BitmapBusy.class);
      assertThat(qemu.bitmaps("vda-node")).containsExactly(OWN_PREFIX + "1.elsewhere");
    }
  }

  @Test
  void aLeftoverThatComesIntoUseMeanwhileIsNotTouched() {
    try (Qemu qemu = sharedDisk().start();
        Client client =
            Client.with(
                qemu,
                Between.before(
                    Command.BLOCK_DIRTY_BITMAP_REMOVE,
                    () -> qemu.exports("vda-node", OWN_PREFIX + "1.elsewhere")))) {
      add(qemu, "vda", OWN_PREFIX + "1.elsewhere");

      assertThatThrownBy(() -> client.ensure("vda")).isInstanceOf(BitmapBusy.class);
      assertThat(qemu.bitmaps("vda-node")).containsExactly(OWN_PREFIX + "1.elsewhere");
    }
  }

  // Refusals

  @Test
  void aDiskThatIsNotThereIsRefused() {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      assertThatThrownBy(() -> client.ensure("vda", "vdz"))
          .isInstanceOf(DiskUnknown.class)
          .hasMessage("the machine has no disk vdz, but [vda]");
      assertThat(client.changes()).isEmpty();
    }
  }

  @Test
  void aDiskThatCannotHoldABitmapIsRefused() {
    try (Qemu qemu =
            oneDisk()
                .with("-device", "ahci,id=ahci", "-device", "ide-cd,id=cd0,bus=ahci.0")
                .start();
        Client client = Client.of(qemu)) {
      assertThatThrownBy(() -> client.ensure("vda", "cd0"))
          .isInstanceOfSatisfying(
              DiskIneligible.class,
              refusal -> {
                assertThat(refusal.disk()).isEqualTo("cd0");
                assertThat(refusal.ineligibility().reason()).isEqualTo(Reason.NoMedium);
              });
      assertThat(client.changes()).isEmpty();
    }
  }

  @Test
  void aGuestThatIsNotRunHereIsRefused() {
    try (Qemu qemu = oneDisk().with("-incoming", "defer").start();
        Client client = Client.of(qemu)) {
      assertThatThrownBy(() -> client.ensure("vda"))
          .isInstanceOf(GuestNotRunning.class)
          .hasMessageContaining("inmigrate");
      assertThat(client.changes()).isEmpty();
    }
  }

  @Test
  void aGuestThatIsBeingMigratedIsRefused() {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      qemu.qmp("migrate", "{\"uri\": \"exec:sleep 60\"}");

      assertThatThrownBy(() -> client.ensure("vda")).isInstanceOf(Migrating.class);
      assertThat(client.changes()).isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource(Barrier.class)
  void whereQemuRefusesOneDiskNothingIsLeftOnAny(Barrier barrier) {
    // 512 bytes a bit on 5 TiB make a bitmap that qcow2 cannot store.
    Path huge = Tool.image(dir.resolve("vdb.qcow2"), "qcow2", "5T", "compat=1.1");

    try (Qemu qemu = oneDisk().disk("vdb", huge).start();
        Client client = Client.of(qemu)) {
      assertThatThrownBy(
              () -> client.ensure(Client.UID, OptionalLong.of(512), barrier, "vda", "vdb"))
          .isInstanceOf(Refused.class)
          .hasMessageContaining("Too much space");
      assertThat(qemu.bitmaps("vda-node")).isEmpty();
      assertThat(qemu.bitmaps("vdb-node")).isEmpty();
    }
  }

  @Test
  void nothingIsStartedAfterTheDeadline() {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      assertThatThrownBy(() -> client.ensure(Deadline.after(Duration.ZERO), "vda"))
          .isInstanceOf(DeadlineExceeded.class);
      assertThat(client.changes()).isEmpty();
    }
  }

  @Test
  void whatWasBegunBeforeTheDeadlineIsTakenBack() {
    Duration time = Duration.ofSeconds(1);
    try (Qemu qemu = oneDisk().start();
        Client client =
            Client.with(qemu, Between.after(Command.BLOCK_DIRTY_BITMAP_ADD, () -> sleep(time)))) {
      assertThatThrownBy(() -> client.ensure(Deadline.after(time), "vda"))
          .isInstanceOf(DeadlineExceeded.class);
      assertThat(qemu.bitmaps("vda-node")).isEmpty();
    }
  }

  // Outcome unknown

  @Test
  void aQemuThatIsKilledInTheMiddleLeavesTheOutcomeUnknown() {
    try (Qemu qemu = twoDisks().start();
        Client client =
            Client.with(
                qemu,
                Between.before(
                    Command.TRANSACTION, () -> qemu.process().destroyForcibly().onExit().join()))) {
      assertThatThrownBy(() -> client.ensure("vda", "vdb")).isInstanceOf(OutcomeUnknown.class);
    }
  }

  @Test
  void aQemuThatIsKilledAfterTheAddLeavesTheOutcomeUnknown() {
    try (Qemu qemu = twoDisks().start();
        Client client =
            Client.with(
                qemu,
                Between.after(
                    Command.TRANSACTION, () -> qemu.process().destroyForcibly().onExit().join()))) {
      assertThatThrownBy(() -> client.ensure("vda", "vdb")).isInstanceOf(OutcomeUnknown.class);
    }
  }

  @Test
  void aQemuThatHangsInTheMiddleIsNotAskedTwice() {
    try (Qemu qemu = twoDisks().start();
        Client client =
            Client.impatient(
                qemu,
                Between.before(Command.TRANSACTION, () -> Tool.signal(qemu.process(), "STOP")))) {
      assertThatThrownBy(() -> client.ensure("vda", "vdb")).isInstanceOf(OutcomeUnknown.class);
      assertThat(client.changes()).containsExactly("transaction");
    }
  }

  @Test
  void whatWasDoneWhoseReplyWasLostIsTakenOver() {
    try (Qemu qemu = twoDisks().start()) {
      try (Client client =
          Client.with(
              qemu,
              Between.after(
                  Command.TRANSACTION,
                  () -> {
                    throw new QmpException.ConnectionLost("the reply is lost", null);
                  }))) {
        assertThatThrownBy(() -> client.ensure("vda", "vdb")).isInstanceOf(OutcomeUnknown.class);
      }

      try (Client client = Client.of(qemu)) {
        assertThat(client.ensure("vda", "vdb").adopted()).isTrue();
        assertThat(client.changes()).doesNotContain("transaction");
      }
    }
  }

  @Test
  void aMigrationThatBeginsAfterTheAddLeavesTheOutcomeUnknown() {
    try (Qemu qemu = twoDisks().start();
        Client client =
            Client.with(
                qemu,
                Between.after(
                    Command.TRANSACTION,
                    () -> qemu.qmp("migrate", "{\"uri\": \"exec:sleep 60\"}")))) {
      assertThatThrownBy(() -> client.ensure("vda", "vdb"))
          .isInstanceOf(OutcomeUnknown.class)
          .hasMessageContaining("ceased to run the guest");
      assertThat(client.changes()).containsExactly("transaction");
    }
  }

  @Test
  void theAnswerIsWhatQemuShowsAndNotWhatItReplied() {
    try (Qemu qemu = twoDisks().start();
        Client client =
            Client.with(
                qemu, Between.after(Command.TRANSACTION, () -> removeOwn(qemu, "vdb-node")))) {
      assertThatThrownBy(() -> client.ensure("vda", "vdb"))
          .isInstanceOf(OutcomeUnknown.class)
          .hasMessageContaining("disk vdb");
    }
  }

  // A disk that hangs

  @Test
  void withoutABarrierARequestThatHangsHoldsNothingUp() {
    try (StoppableMedium medium = StoppableMedium.of(Tool.qcow2(dir.resolve("vdb.qcow2")), dir);
        Qemu qemu = diskThatHangs(medium);
        Client client = Client.of(qemu)) {
      assertThat(client.ensure(Barrier.NONE, "vda", "vdb").disks()).hasSize(2);
    }
  }

  @Test
  void aTransactionThatWaitsForARequestThatHangsLeavesTheOutcomeUnknown() {
    try (StoppableMedium medium = StoppableMedium.of(Tool.qcow2(dir.resolve("vdb.qcow2")), dir);
        Qemu qemu = diskThatHangs(medium)) {
      try (Client client = Client.impatient(qemu)) {
        assertThatThrownBy(() -> client.ensure("vda", "vdb"))
            .isInstanceOf(OutcomeUnknown.class)
            .hasRootCauseMessage("QEMU did not answer transaction within PT2S");
      }
      medium.resume();

      try (Client client = Client.of(qemu)) {
        assertThat(client.ensure("vda", "vdb").adopted()).isTrue();
      }
    }
  }

  private Qemu diskThatHangs(StoppableMedium medium) {
    Qemu qemu = oneDisk().with(medium.nodes("vdb-node")).device("vdb", "vdb-node").start();
    medium.stop();
    qemu.hmp("qemu-io -d /machine/peripheral/vdb/virtio-backend \"aio_write 0 64k\"");
    return qemu;
  }

  private Qemu.Builder oneDisk() {
    Tool.qcow2(dir.resolve("vda.qcow2"));
    return sameDisk();
  }

  private Qemu.Builder sameDisk() {
    return Qemu.in(dir).stopped().disk("vda", dir.resolve("vda.qcow2"));
  }

  private Qemu.Builder sharedDisk() {
    return Qemu.in(dir)
        .stopped()
        .node("vda-node", Tool.qcow2(dir.resolve("vda.qcow2")))
        .device("vda", "vda-node", "share-rw=on");
  }

  private Qemu.Builder twoDisks() {
    return oneDisk().disk("vdb", Tool.qcow2(dir.resolve("vdb.qcow2")));
  }

  private static void add(Qemu qemu, String disk, String name) {
    qemu.qmp(
        "block-dirty-bitmap-add",
        "{\"node\": \"%s-node\", \"name\": \"%s\", \"persistent\": true}".formatted(disk, name));
  }

  private static void removeOwn(Qemu qemu, String node) {
    qemu.bitmaps(node).stream()
        .filter(name -> name.startsWith(OWN_PREFIX))
        .forEach(
            name ->
                qemu.qmp(
                    "block-dirty-bitmap-remove",
                    "{\"node\": \"%s\", \"name\": \"%s\"}".formatted(node, name)));
  }

  private static void sleep(Duration time) {
    try {
      Thread.sleep(time);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
