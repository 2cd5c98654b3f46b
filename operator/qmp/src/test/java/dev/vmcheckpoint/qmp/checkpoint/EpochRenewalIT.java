package dev.vmcheckpoint.qmp.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vmcheckpoint.qmp.Command;
import dev.vmcheckpoint.qmp.Deadline;
import dev.vmcheckpoint.qmp.QmpException;
import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.BitmapBusy;
import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.DeadlineExceeded;
import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.DiskIneligible;
import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.DiskUnknown;
import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.EpochMissing;
import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.GuestNotRunning;
import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.MarkerInUse;
import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.Migrating;
import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.OutcomeUnknown;
import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.Refused;
import dev.vmcheckpoint.qmp.checkpoint.Client.Between;
import dev.vmcheckpoint.qmp.checkpoint.Ensured.CheckpointDisk;
import dev.vmcheckpoint.qmp.fixture.Layers;
import dev.vmcheckpoint.qmp.fixture.Qemu;
import dev.vmcheckpoint.qmp.fixture.Tool;
import dev.vmcheckpoint.qmp.machine.Disk;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What is on record, carried over to another opening of the images. */
@Timeout(60)
final class EpochRenewalIT {
  private static final String ADD = "block-dirty-bitmap-add";
  private static final String REMOVE = "block-dirty-bitmap-remove";

  @TempDir Path dir;

  // What is renewed

  @Test
  void anotherOpeningIsMarkedBesideTheMarkerOnRecord() {
    CheckpointDisk recorded = checkpointAndQuit();

    try (Qemu qemu = sameDisk().start();
        Client client = Client.of(qemu)) {
      Disk vda = client.renew(of(recorded)).getFirst();

      String epoch = Markers.openId(vda).orElseThrow();
      assertThat(epoch).isNotEqualTo(recorded.epoch());
      assertThat(qemu.bitmaps("vda-node"))
          .containsExactlyInAnyOrder(
              recorded.bitmap(),
              "vmcp-epoch." + recorded.epoch(),
              "vmcp-epoch." + epoch,
              "vmcp-open." + epoch);
    }
  }

  @Test
  void thePersistentMarkerIsAddedFirstAndNothingWaits() {
    CheckpointDisk recorded = checkpointAndQuit();

    try (Qemu qemu = sameDisk().start();
        Client client =
            Client.with(
                qemu,
                Between.after(
                    Command.BLOCK_DIRTY_BITMAP_ADD,
                    () ->
                        assertThat(qemu.bitmaps("vda-node"))
                            .noneMatch(name -> name.startsWith("vmcp-open."))))) {
      client.renew(of(recorded));

      assertThat(client.changes()).containsExactly(ADD, ADD);
    }
  }

  @Test
  void repeatingChangesNothing() {
    CheckpointDisk recorded = checkpointAndQuit();

    try (Qemu qemu = sameDisk().start();
        Client client = Client.of(qemu)) {
      List<Disk> first = client.renew(of(recorded));

      assertThat(client.renew(of(recorded))).isEqualTo(first);
      assertThat(client.changes()).hasSize(2);
    }
  }

  @Test
  void theEpochOfThePresentOpeningIsGoodAsWell() {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      CheckpointDisk recorded = client.ensure("vda").disks().getFirst();
      List<String> before = qemu.bitmaps("vda-node");

      client.renew(of(recorded));

      assertThat(qemu.bitmaps("vda-node")).isEqualTo(before);
    }
  }

  @Test
  void anOpeningWhosePersistentMarkerSomebodyRemovedIsMarkedAnew() {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      CheckpointDisk recorded = client.ensure("vda").disks().getFirst();
      removeBitmap(qemu, "vmcp-epoch." + recorded.epoch());

      Disk vda = client.renew(of(recorded)).getFirst();

      assertThat(Markers.openId(vda)).isPresent().isNotEqualTo(Optional.of(recorded.epoch()));
    }
  }

  @Test
  void checkpointsOfOneDiskAreRenewedOneAfterTheOther() {
    CheckpointDisk recorded = checkpointAndQuit();

    try (Qemu qemu = sameDisk().start();
        Client client = Client.of(qemu)) {
      Disk first = client.renew(of(recorded)).getFirst();
      Disk second = client.renew(of(recorded)).getFirst();

      assertThat(Markers.openId(second)).isEqualTo(Markers.openId(first));
    }
  }

  @Test
  void disksAreAnsweredInTheOrderAsked() {
    try (Qemu qemu = twoDisks().start();
        Client client = Client.of(qemu)) {
      List<CheckpointDisk> disks = client.ensure("vda", "vdb").disks();

      assertThat(client.renew(of(disks.getLast()), of(disks.getFirst())))
          .extracting(Disk::name)
          .containsExactly("vdb", "vda");
    }
  }

  // What is removed

  @Test
  void aReplacedMarkerIsRemovedFromTheImage() {
    CheckpointDisk recorded = checkpointAndQuit();

    try (Qemu qemu = sameDisk().start();
        Client client = Client.of(qemu)) {
      String epoch = Markers.openId(client.renew(of(recorded)).getFirst()).orElseThrow();

      client.renew(renewal(epoch, List.of(recorded.epoch())));

      assertThat(qemu.bitmaps("vda-node"))
          .containsExactlyInAnyOrder(
              recorded.bitmap(), "vmcp-epoch." + epoch, "vmcp-open." + epoch);
    }
  }

  @Test
  void aMarkerThatIsNotThereIsRemovedAlready() {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      CheckpointDisk recorded = client.ensure("vda").disks().getFirst();

      client.renew(renewal(recorded.epoch(), List.of("0")));

      assertThat(client.changes()).doesNotContain(REMOVE);
    }
  }

  @Test
  void anInconsistentMarkerIsRemoved() {
    CheckpointDisk lost = checkpointAndQuit();
    startAndKill();

    try (Qemu qemu = sameDisk().start();
        Client client = Client.of(qemu)) {
      CheckpointDisk fresh = client.ensure("vda").disks().getFirst();

      client.renew(renewal(fresh.epoch(), List.of(lost.epoch())));

      assertThat(qemu.bitmaps("vda-node"))
          .containsExactlyInAnyOrder(
              fresh.bitmap(), "vmcp-epoch." + fresh.epoch(), "vmcp-open." + fresh.epoch());
    }
  }

  @Test
  void theMarkerOfThePresentOpeningIsNotRemoved() {
    CheckpointDisk recorded = checkpointAndQuit();

    try (Qemu qemu = sameDisk().start();
        Client client = Client.of(qemu)) {
      String open = Markers.openId(client.renew(of(recorded)).getFirst()).orElseThrow();
      List<String> before = qemu.bitmaps("vda-node");

      assertThatThrownBy(() -> client.renew(renewal(recorded.epoch(), List.of(open))))
          .isInstanceOf(MarkerInUse.class)
          .hasMessage(
              "the marker vmcp-epoch.%s of disk vda is that of the present opening, and is not removed",
              open);
      assertThat(qemu.bitmaps("vda-node")).isEqualTo(before);
    }
  }

  @Test
  void aMarkerThatIsOnRecordForAnotherDeviceOfTheNodeIsNotRemoved() {
    CheckpointDisk recorded = checkpointAndQuit();

    try (Qemu qemu =
            Qemu.in(dir)
                .stopped()
                .node("vda-node", image("vda"))
                .device("vda", "vda-node", "share-rw=on")
                .device("vdb", "vda-node", "share-rw=on")
                .start();
        Client client = Client.of(qemu)) {
      String open = Markers.openId(client.renew(of(recorded)).getFirst()).orElseThrow();

      assertThatThrownBy(
              () ->
                  client.renew(
                      renewal(open, List.of(recorded.epoch())),
                      new Renewal("vdb", recorded.epoch(), List.of(), List.of(), false)))
          .isInstanceOf(MarkerInUse.class)
          .hasMessageContaining("is on record");
    }
  }

  @Test
  void aBusyMarkerRefusesTheWholeCall() {
    CheckpointDisk recorded = checkpointAndQuit();

    try (Qemu qemu = sharedDisk().start();
        Client client = Client.of(qemu)) {
      String open = Markers.openId(client.renew(of(recorded)).getFirst()).orElseThrow();
      qemu.exports("vda-node", "vmcp-epoch." + recorded.epoch());
      removeBitmap(qemu, "vmcp-open." + open);
      List<String> before = qemu.bitmaps("vda-node");

      assertThatThrownBy(() -> client.renew(renewal(open, List.of(recorded.epoch()))))
          .isInstanceOf(BitmapBusy.class)
          .hasMessageContaining("vmcp-epoch." + recorded.epoch());
      assertThat(qemu.bitmaps("vda-node")).isEqualTo(before);
    }
  }

  // What is refused

  @Test
  void aDiskWithoutTheMarkerOnRecordIsRefusedWhateverItsBitmapsLookLike() {
    CheckpointDisk recorded = checkpointAndQuit();

    try (Qemu qemu = sameDisk().start();
        Client client = Client.of(qemu)) {
      List<String> before = qemu.bitmaps("vda-node");

      assertThatThrownBy(() -> client.renew(renewal("0", List.of(recorded.epoch()))))
          .isInstanceOf(EpochMissing.class)
          .hasMessage(
              "disk vda has no consistent marker vmcp-epoch.0, neither on its active image nor on a layer below");
      assertThat(client.changes()).isEmpty();
      assertThat(qemu.bitmaps("vda-node")).isEqualTo(before);
    }
  }

  @Test
  void anInconsistentMarkerIsNone() {
    CheckpointDisk recorded = checkpointAndQuit();
    startAndKill();

    try (Qemu qemu = sameDisk().start();
        Client client = Client.of(qemu)) {
      assertThat(qemu.bitmaps("vda-node")).contains("vmcp-epoch." + recorded.epoch());

      assertThatThrownBy(() -> client.renew(of(recorded))).isInstanceOf(EpochMissing.class);
    }
  }

  @Test
  void oneDiskWithoutItsMarkerKeepsAllDisksAsTheyAre() {
    List<CheckpointDisk> disks;
    try (Qemu qemu = twoDisks().start();
        Client client = Client.of(qemu)) {
      disks = client.ensure("vda", "vdb").disks();
      qemu.quit();
    }

    try (Qemu qemu = sameDisk().disk("vdb", image("vdb")).start();
        Client client = Client.of(qemu)) {
      assertThatThrownBy(
              () ->
                  client.renew(
                      of(disks.getFirst()), new Renewal("vdb", "0", List.of(), List.of(), false)))
          .isInstanceOf(EpochMissing.class)
          .hasMessageContaining("disk vdb");
      assertThat(client.changes()).isEmpty();
    }
  }

  @Test
  void aDiskThatIsNotThereIsRefused() {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      assertThatThrownBy(() -> client.renew(new Renewal("vdz", "0", List.of(), List.of(), false)))
          .isInstanceOf(DiskUnknown.class);
    }
  }

  @Test
  void aDiskThatCannotHoldAMarkerIsRefused() {
    try (Qemu qemu =
            oneDisk()
                .with("-device", "ahci,id=ahci", "-device", "ide-cd,id=cd0,bus=ahci.0")
                .start();
        Client client = Client.of(qemu)) {
      assertThatThrownBy(() -> client.renew(new Renewal("cd0", "0", List.of(), List.of(), false)))
          .isInstanceOf(DiskIneligible.class);
    }
  }

  @Test
  void aDiskIsNamedOnce() {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      Renewal vda = renewal("0", List.of());

      assertThatIllegalArgumentException().isThrownBy(() -> client.renew(vda, vda));
      assertThatIllegalArgumentException().isThrownBy(client::renew);
    }
  }

  @Test
  void aGuestThatIsNotRunHereIsRefused() {
    CheckpointDisk recorded = checkpointAndQuit();

    try (Qemu qemu = sameDisk().with("-incoming", "defer").start();
        Client client = Client.of(qemu)) {
      assertThatThrownBy(() -> client.renew(of(recorded))).isInstanceOf(GuestNotRunning.class);
      assertThat(client.changes()).isEmpty();
    }
  }

  @Test
  void aGuestThatIsBeingMigratedIsRefused() {
    CheckpointDisk recorded = checkpointAndQuit();

    try (Qemu qemu = sameDisk().start();
        Client client = Client.of(qemu)) {
      qemu.qmp("migrate", "{\"uri\": \"exec:sleep 60\"}");

      assertThatThrownBy(() -> client.renew(of(recorded))).isInstanceOf(Migrating.class);
      assertThat(client.changes()).isEmpty();
    }
  }

  // What happens meanwhile

  @Test
  void nothingIsStartedAfterTheDeadline() {
    CheckpointDisk recorded = checkpointAndQuit();

    try (Qemu qemu = sameDisk().start();
        Client client = Client.of(qemu)) {
      assertThatThrownBy(() -> client.renew(Deadline.after(Duration.ZERO), of(recorded)))
          .isInstanceOf(DeadlineExceeded.class);
      assertThat(client.changes()).isEmpty();
    }
  }

  @Test
  void aMarkerThatTheDeadlineLeftAloneIsTakenBack() {
    CheckpointDisk recorded = checkpointAndQuit();
    Deadline deadline = Deadline.after(Duration.ofSeconds(2));

    try (Qemu qemu = sameDisk().start();
        Client client =
            Client.with(
                qemu, Between.after(Command.BLOCK_DIRTY_BITMAP_ADD, () -> awaitPassed(deadline)))) {
      List<String> before = qemu.bitmaps("vda-node");

      assertThatThrownBy(() -> client.renew(deadline, of(recorded)))
          .isInstanceOf(DeadlineExceeded.class);
      assertThat(qemu.bitmaps("vda-node")).isEqualTo(before);
    }
  }

  @Test
  void aRefusalOfTheSecondMarkerTakesTheFirstBack() {
    CheckpointDisk recorded = checkpointAndQuit();

    try (Qemu qemu = sameDisk().start();
        Client client =
            Client.with(
                qemu,
                Between.after(
                    Command.BLOCK_DIRTY_BITMAP_ADD,
                    () -> {
                      String open = onlyNewEpoch(qemu, recorded).replace("epoch", "open");
                      addBitmap(qemu, open);
                    }))) {
      assertThatThrownBy(() -> client.renew(of(recorded))).isInstanceOf(Refused.class);
      assertThat(qemu.bitmaps("vda-node"))
          .containsExactlyInAnyOrder(recorded.bitmap(), "vmcp-epoch." + recorded.epoch());
    }
  }

  @Test
  void aMigrationThatBeginsMeanwhileLeavesTheOutcomeUnknownAndRemovesNothing() {
    CheckpointDisk recorded = checkpointAndQuit();

    try (Qemu qemu = sameDisk().start();
        Client client =
            Client.with(
                qemu,
                Between.after(
                    Command.BLOCK_DIRTY_BITMAP_ADD,
                    () -> qemu.qmp("migrate", "{\"uri\": \"exec:sleep 60\"}")))) {
      addBitmap(qemu, "vmcp-epoch.0");

      assertThatThrownBy(() -> client.renew(renewal(recorded.epoch(), List.of("0"))))
          .isInstanceOf(OutcomeUnknown.class)
          .hasMessageContaining("ceased to run the guest");
      assertThat(client.changes()).containsExactly(ADD, ADD);
    }
  }

  @Test
  void anOverlayThatAppearsMeanwhileLeavesTheOutcomeUnknown() {
    CheckpointDisk recorded = checkpointAndQuit();
    Path overlay = Layers.overlay(image("top"), image("vda"));

    try (Qemu qemu = sameDisk().start();
        Client client =
            Client.with(
                qemu,
                Between.before(
                    Command.BLOCK_DIRTY_BITMAP_ADD,
                    () -> Layers.snapshot(qemu, "vda-node", "top", overlay)))) {
      assertThatThrownBy(() -> client.renew(of(recorded)))
          .isInstanceOf(OutcomeUnknown.class)
          .hasMessageContaining("disk vda");
    }
  }

  @Test
  void aLostConnectionLeavesTheOutcomeUnknown() {
    CheckpointDisk recorded = checkpointAndQuit();

    try (Qemu qemu = sameDisk().start();
        Client client =
            Client.with(
                qemu,
                Between.after(
                    Command.BLOCK_DIRTY_BITMAP_ADD,
                    () -> {
                      throw new QmpException.ConnectionLost("the reply is lost", null);
                    }))) {
      assertThatThrownBy(() -> client.renew(of(recorded))).isInstanceOf(OutcomeUnknown.class);
      assertThat(client.changes()).containsExactly(ADD);
    }
  }

  @Test
  void aKilledQemuLeavesTheOutcomeUnknown() {
    CheckpointDisk recorded = checkpointAndQuit();

    try (Qemu qemu = sameDisk().start();
        Client client =
            Client.with(
                qemu,
                Between.before(
                    Command.BLOCK_DIRTY_BITMAP_ADD,
                    () -> qemu.process().destroyForcibly().onExit().join()))) {
      assertThatThrownBy(() -> client.renew(of(recorded))).isInstanceOf(OutcomeUnknown.class);
    }
  }

  private static Renewal of(CheckpointDisk recorded) {
    return new Renewal(recorded.name(), recorded.epoch(), List.of(), List.of(), false);
  }

  private static Renewal renewal(String recorded, List<String> remove) {
    return new Renewal("vda", recorded, List.of(), remove, false);
  }

  private CheckpointDisk checkpointAndQuit() {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      CheckpointDisk disk = client.ensure("vda").disks().getFirst();
      qemu.quit();
      return disk;
    }
  }

  private void startAndKill() {
    try (Qemu qemu = sameDisk().start()) {
      qemu.process().destroyForcibly().onExit().join();
    }
  }

  private Qemu.Builder oneDisk() {
    Tool.qcow2(image("vda"));
    return sameDisk();
  }

  private Qemu.Builder twoDisks() {
    return oneDisk().disk("vdb", Tool.qcow2(image("vdb")));
  }

  private Qemu.Builder sameDisk() {
    return Qemu.in(dir).stopped().disk("vda", image("vda"));
  }

  private Qemu.Builder sharedDisk() {
    return Qemu.in(dir)
        .stopped()
        .node("vda-node", image("vda"))
        .device("vda", "vda-node", "share-rw=on");
  }

  private Path image(String name) {
    return dir.resolve(name + ".qcow2");
  }

  private static String onlyNewEpoch(Qemu qemu, CheckpointDisk recorded) {
    return qemu.bitmaps("vda-node").stream()
        .filter(name -> name.startsWith("vmcp-epoch."))
        .filter(name -> !name.equals("vmcp-epoch." + recorded.epoch()))
        .findFirst()
        .orElseThrow();
  }

  private static void addBitmap(Qemu qemu, String name) {
    qemu.qmp(
        "block-dirty-bitmap-add",
        "{\"node\": \"vda-node\", \"name\": \"%s\", \"persistent\": true}".formatted(name));
  }

  private static void removeBitmap(Qemu qemu, String name) {
    qemu.qmp(
        "block-dirty-bitmap-remove", "{\"node\": \"vda-node\", \"name\": \"%s\"}".formatted(name));
  }

  private static void awaitPassed(Deadline deadline) {
    try {
      Thread.sleep(Math.max(0, deadline.remaining().toMillis() + 1));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
