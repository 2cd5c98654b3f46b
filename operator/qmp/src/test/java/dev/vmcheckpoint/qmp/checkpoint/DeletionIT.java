package dev.vmcheckpoint.qmp.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vmcheckpoint.qmp.Command;
import dev.vmcheckpoint.qmp.Deadline;
import dev.vmcheckpoint.qmp.QmpException;
import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.BitmapBusy;
import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.DeadlineExceeded;
import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.GuestNotRunning;
import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.Migrating;
import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.OutcomeUnknown;
import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.Refused;
import dev.vmcheckpoint.qmp.checkpoint.Client.Between;
import dev.vmcheckpoint.qmp.checkpoint.Removal.Below;
import dev.vmcheckpoint.qmp.checkpoint.Removal.Removed;
import dev.vmcheckpoint.qmp.fixture.Qemu;
import dev.vmcheckpoint.qmp.fixture.Tool;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
final class DeletionIT {
  private static final CheckpointUid OTHER = new CheckpointUid("0b");
  private static final String OWN = "vmcp-" + Client.UID + ".1.vda";

  @TempDir Path dir;

  @Test
  void theBitmapsAreRemovedAndWithTheLastOneTheMarkers() {
    try (Qemu qemu = twoDisks().start();
        Client client = Client.of(qemu)) {
      Ensured ensured = client.ensure("vda", "vdb");

      Removal removal = client.remove();

      assertThat(removal.removed())
          .containsExactlyInAnyOrderElementsOf(
              ensured.disks().stream()
                  .map(disk -> new Removed(disk.name(), disk.bitmap()))
                  .toList());
      assertThat(qemu.bitmaps("vda-node")).isEmpty();
      assertThat(qemu.bitmaps("vdb-node")).isEmpty();
    }
  }

  @Test
  void anotherCheckpointKeepsItsBitmapAndTheMarkers() {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      client.ensure("vda");
      Ensured other = client.ensure(OTHER, OptionalLong.empty(), Barrier.FLUSH, "vda");

      client.remove();

      assertThat(qemu.bitmaps("vda-node"))
          .hasSize(3)
          .contains(
              other.disks().getFirst().bitmap(), "vmcp-epoch." + other.disks().getFirst().epoch());
    }
  }

  @Test
  void bitmapsOfOthersAreLeftAlone() {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      client.ensure("vda");
      add(qemu, "foreign");

      client.remove();

      assertThat(qemu.bitmaps("vda-node")).containsExactly("foreign");
    }
  }

  @Test
  void everyAttemptIsRemoved() {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      add(qemu, OWN);
      add(qemu, OWN.replace(".1.", ".2."));

      assertThat(client.remove().removed()).hasSize(2);
    }
  }

  @Test
  void nothingToRemoveIsSuccess() {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      client.ensure("vda");
      client.remove();

      assertThat(client.remove()).isEqualTo(new Removal(List.of(), List.of()));
    }
  }

  @Test
  void anInconsistentBitmapIsRemoved() {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      client.ensure("vda");
      qemu.quit();
    }
    try (Qemu qemu = sameDisk().start()) {
      qemu.process().destroyForcibly().onExit().join();
    }

    try (Qemu qemu = sameDisk().start();
        Client client = Client.of(qemu)) {
      assertThat(client.remove().removed()).hasSize(1);
      assertThat(qemu.bitmaps("vda-node")).isEmpty();
    }
  }

  @Test
  void whatIsRemovedDoesNotComeBack() {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      client.ensure("vda");
      qemu.quit();
    }
    try (Qemu qemu = sameDisk().start();
        Client client = Client.of(qemu)) {
      client.remove();
      qemu.process().destroyForcibly().onExit().join();
    }

    assertThat(Tool.run("qemu-img", "info", dir.resolve("vda.qcow2").toString()))
        .doesNotContain("vmcp-");
  }

  @Test
  void bitmapsInALowerLayerAreReportedAndStay() {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      String bitmap = client.ensure("vda").disks().getFirst().bitmap();
      qemu.qmp(
          "blockdev-snapshot-sync",
          "{\"node-name\": \"vda-node\", \"snapshot-file\": \"%s\", \"snapshot-node-name\": \"top\"}"
              .formatted(dir.resolve("top.qcow2")));

      Removal removal = client.remove();

      assertThat(removal.removed()).isEmpty();
      assertThat(removal.below())
          .containsExactly(new Below("vda", dir.resolve("vda.qcow2").toString(), bitmap));
      assertThat(qemu.bitmaps("vda-node")).contains(bitmap).hasSize(3);
    }
  }

  @Test
  void oneBusyBitmapKeepsTheWholeCheckpoint() {
    try (Qemu qemu =
            Qemu.in(dir)
                .stopped()
                .node("vda-node", Tool.qcow2(dir.resolve("vda.qcow2")))
                .device("vda", "vda-node", "share-rw=on")
                .disk("vdb", Tool.qcow2(dir.resolve("vdb.qcow2")))
                .start();
        Client client = Client.of(qemu)) {
      Ensured ensured = client.ensure("vda", "vdb");
      qemu.exports("vda-node", ensured.disks().getFirst().bitmap());

      assertThatThrownBy(client::remove)
          .isInstanceOf(BitmapBusy.class)
          .hasMessageContaining("disk vda");
      assertThat(qemu.bitmaps("vda-node")).hasSize(3);
      assertThat(qemu.bitmaps("vdb-node")).hasSize(3);
    }
  }

  @Test
  void aBitmapThatSomebodyElseRemovesMeanwhileIsNoFailure() {
    try (Qemu qemu = oneDisk().start();
        Client client =
            Client.with(
                qemu,
                Between.before(
                    Command.BLOCK_DIRTY_BITMAP_REMOVE,
                    () ->
                        qemu.qmp(
                            "block-dirty-bitmap-remove",
                            "{\"node\": \"vda-node\", \"name\": \"%s\"}".formatted(OWN))))) {
      add(qemu, OWN);

      assertThat(client.remove().removed()).containsExactly(new Removed("vda", OWN));
    }
  }

  @Test
  void whatIsThereAgainAfterItsRemovalLeavesTheOutcomeUnknown() {
    try (Qemu qemu = oneDisk().start();
        Client client =
            Client.with(
                qemu, Between.after(Command.BLOCK_DIRTY_BITMAP_REMOVE, () -> add(qemu, OWN)))) {
      add(qemu, OWN);

      assertThatThrownBy(client::remove)
          .isInstanceOf(OutcomeUnknown.class)
          .hasMessageContaining("is there after its removal");
    }
  }

  @Test
  void aRefusalIsReportedInQemusWords() {
    try (Qemu qemu = oneDisk().start();
        Client client =
            Client.with(
                qemu,
                Between.before(
                    Command.BLOCK_DIRTY_BITMAP_REMOVE,
                    () -> {
                      throw new QmpException.Refused(
                          Command.BLOCK_DIRTY_BITMAP_REMOVE, "GenericError", "No write access");
                    }))) {
      add(qemu, OWN);

      assertThatThrownBy(client::remove)
          .isInstanceOf(Refused.class)
          .hasMessageEndingWith("of disk vda: No write access");
    }
  }

  @Test
  void aDeadlineThatPassesInBetweenLeavesTheRestForTheNextTry() {
    try (Qemu qemu = oneDisk().start()) {
      add(qemu, OWN);
      add(qemu, OWN.replace(".1.", ".2."));
      Deadline deadline = Deadline.after(Duration.ofSeconds(10));

      try (Client client =
          Client.with(
              qemu,
              Between.after(Command.BLOCK_DIRTY_BITMAP_REMOVE, () -> awaitPassed(deadline)))) {
        assertThatThrownBy(() -> client.remove(Client.UID, deadline))
            .isInstanceOf(DeadlineExceeded.class);
        assertThat(qemu.bitmaps("vda-node")).hasSize(1);
        assertThat(client.remove().removed()).hasSize(1);
      }
    }
  }

  @Test
  void aGuestThatIsNotRunHereIsRefused() {
    try (Qemu qemu = oneDisk().with("-incoming", "defer").start();
        Client client = Client.of(qemu)) {
      assertThatThrownBy(client::remove).isInstanceOf(GuestNotRunning.class);
    }
  }

  @Test
  void aGuestThatIsBeingMigratedIsRefused() {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      qemu.qmp("migrate", "{\"uri\": \"exec:sleep 60\"}");

      assertThatThrownBy(client::remove).isInstanceOf(Migrating.class);
    }
  }

  @Test
  void nothingIsStartedAfterTheDeadline() {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      add(qemu, OWN);

      assertThatThrownBy(() -> client.remove(Client.UID, Deadline.after(Duration.ZERO)))
          .isInstanceOf(DeadlineExceeded.class);
      assertThat(qemu.bitmaps("vda-node")).containsExactly(OWN);
    }
  }

  @Test
  void aLostReplyLeavesTheOutcomeUnknown() {
    try (Qemu qemu = oneDisk().start();
        Client client =
            Client.with(
                qemu,
                Between.after(
                    Command.BLOCK_DIRTY_BITMAP_REMOVE,
                    () -> {
                      throw new QmpException.TimedOut("the reply is late");
                    }))) {
      add(qemu, OWN);

      assertThatThrownBy(client::remove).isInstanceOf(OutcomeUnknown.class);
    }
  }

  @Test
  void aQemuThatIsKilledInTheMiddleLeavesTheOutcomeUnknownAndTheRestToTheNextTry() {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      client.ensure("vda");
      qemu.quit();
    }
    try (Qemu qemu = sameDisk().start();
        Client client =
            Client.with(
                qemu,
                Between.before(
                    Command.BLOCK_DIRTY_BITMAP_REMOVE,
                    () -> qemu.process().destroyForcibly().onExit().join()))) {
      assertThatThrownBy(client::remove).isInstanceOf(OutcomeUnknown.class);
    }

    try (Qemu qemu = sameDisk().start();
        Client client = Client.of(qemu)) {
      assertThat(client.remove().removed()).hasSize(1);
      assertThat(qemu.bitmaps("vda-node")).isEmpty();
    }
  }

  private Qemu.Builder oneDisk() {
    Tool.qcow2(dir.resolve("vda.qcow2"));
    return sameDisk();
  }

  private Qemu.Builder sameDisk() {
    return Qemu.in(dir).stopped().disk("vda", dir.resolve("vda.qcow2"));
  }

  private Qemu.Builder twoDisks() {
    return oneDisk().disk("vdb", Tool.qcow2(dir.resolve("vdb.qcow2")));
  }

  private static void add(Qemu qemu, String name) {
    qemu.qmp(
        "block-dirty-bitmap-add",
        "{\"node\": \"vda-node\", \"name\": \"%s\", \"persistent\": true}".formatted(name));
  }

  private static void awaitPassed(Deadline deadline) {
    try {
      Thread.sleep(Math.max(0, deadline.remaining().toMillis() + 1));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
