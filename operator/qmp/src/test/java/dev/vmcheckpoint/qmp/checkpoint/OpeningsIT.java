package dev.vmcheckpoint.qmp.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.EpochMissing;
import dev.vmcheckpoint.qmp.checkpoint.Ensured.CheckpointDisk;
import dev.vmcheckpoint.qmp.fixture.Monitor;
import dev.vmcheckpoint.qmp.fixture.Qemu;
import dev.vmcheckpoint.qmp.fixture.Tool;
import dev.vmcheckpoint.qmp.machine.Bitmap;
import dev.vmcheckpoint.qmp.machine.Disk;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What events leave of a checkpoint's bitmap and of the markers, by which they are told apart. */
@Timeout(60)
final class OpeningsIT {
  @TempDir Path dir;

  @Test
  void aResetOfTheGuestLeavesEverything() {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      client.ensure("vda");
      List<String> before = qemu.bitmaps("vda-node");

      qemu.qmp("system_reset", "{}");

      assertThat(qemu.bitmaps("vda-node")).isEqualTo(before);
    }
  }

  @Test
  void aCleanStopKeepsBitmapAndPersistentMarkerAndForgetsTheTransientOne() {
    CheckpointDisk recorded = checkpointAndQuit();

    try (Qemu qemu = sameDisk().start()) {
      Disk vda = Monitor.disk(qemu, "vda");

      Bitmap bitmap = BitmapAt.find(vda, recorded.bitmap()).orElseThrow();
      assertThat(bitmap.dirtyBytes()).isEqualTo(65536);
      assertThat(bitmap.recording()).isTrue();
      assertThat(Markers.isConsistent(vda.bitmaps(), recorded.epoch())).isTrue();
      assertThat(Markers.openId(vda)).isEmpty();
    }
  }

  @Test
  void aKillLosesWhatWasMadeInThisOpening() {
    CheckpointDisk recorded;
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      recorded = client.ensure("vda").disks().getFirst();
      kill(qemu);
    }

    try (Qemu qemu = sameDisk().start();
        Client client = Client.of(qemu)) {
      assertThat(qemu.bitmaps("vda-node")).isEmpty();
      assertEpochMissing(client, recorded.epoch());
    }
  }

  @Test
  void aKillBreaksWhatWasLoadedMarkersIncluded() {
    CheckpointDisk recorded = checkpointAndQuit();
    String renewed;
    try (Qemu qemu = sameDisk().start();
        Client client = Client.of(qemu)) {
      renewed = renewedEpoch(client, recorded.epoch());
      kill(qemu);
    }

    try (Qemu qemu = sameDisk().start()) {
      assertThat(Monitor.disk(qemu, "vda").bitmaps())
          .extracting(Bitmap::name, Bitmap::inconsistent)
          .containsExactlyInAnyOrder(
              tuple(recorded.bitmap(), true), tuple("vmcp-epoch." + recorded.epoch(), true));
      try (Client client = Client.of(qemu)) {
        assertEpochMissing(client, recorded.epoch());
        assertEpochMissing(client, renewed);
      }
    }
  }

  @Test
  void anImageThatWentBackLacksTheMarkerThatWasAddedSince() throws IOException {
    CheckpointDisk recorded = checkpointAndQuit();
    Path older = Files.copy(image("vda"), image("older"));
    String renewed;
    try (Qemu qemu = sameDisk().start();
        Client client = Client.of(qemu)) {
      renewed = renewedEpoch(client, recorded.epoch());
      qemu.quit();
    }

    try (Qemu qemu = Qemu.in(dir).stopped().disk("vda", older).start();
        Client client = Client.of(qemu)) {
      assertEpochMissing(client, renewed);
    }
  }

  @Test
  void anImageThatWasMovedHasIt() throws IOException {
    CheckpointDisk recorded = checkpointAndQuit();
    Path moved = Files.move(image("vda"), image("moved"));

    try (Qemu qemu = Qemu.in(dir).stopped().disk("vda", moved).start();
        Client client = Client.of(qemu)) {
      assertThat(renewedEpoch(client, recorded.epoch())).isNotEqualTo(recorded.epoch());
    }
  }

  @Test
  void anotherImageInPlaceOfTheDiskHasNone() throws IOException {
    CheckpointDisk recorded = checkpointAndQuit();
    Files.delete(image("vda"));

    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      assertEpochMissing(client, recorded.epoch());
    }
  }

  @Test
  void aDiskThatIsPluggedInAgainIsInAnotherOpening() {
    Tool.qcow2(image("vda"));
    try (Qemu qemu =
            Qemu.in(dir)
                .stopped()
                .with("-device", "virtio-scsi-pci,id=scsi")
                .node("vda-node", image("vda"))
                .with("-device", "scsi-hd,id=vda,bus=scsi.0,drive=vda-node")
                .start();
        Client client = Client.of(qemu)) {
      CheckpointDisk recorded = client.ensure("vda").disks().getFirst();

      unplug(qemu);
      plugIn(qemu);

      assertThat(qemu.bitmaps("vda-node"))
          .containsExactlyInAnyOrder(recorded.bitmap(), "vmcp-epoch." + recorded.epoch());
      assertThat(renewedEpoch(client, recorded.epoch())).isNotEqualTo(recorded.epoch());
    }
  }

  @Test
  void aResizeIsNoNewOpening() {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      CheckpointDisk recorded = client.ensure("vda").disks().getFirst();

      qemu.qmp("block_resize", "{\"node-name\": \"vda-node\", \"size\": 33554432}");

      assertThat(renewedEpoch(client, recorded.epoch())).isEqualTo(recorded.epoch());
    }
  }

  /** Over shared storage, with and without QEMU's capability to send bitmaps along. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void theTargetOfAMigrationHasTheMarkerOnRecord(boolean bitmapsInStream) throws IOException {
    Tool.qcow2(image("vda"));
    Path there = Files.createDirectory(dir.resolve("t"));
    try (Qemu source = Qemu.in(dir).disk("vda", image("vda")).start();
        Qemu target = Qemu.in(there).disk("vda", image("vda")).with("-incoming", "defer").start()) {
      CheckpointDisk recorded;
      try (Client client = Client.of(source)) {
        recorded = client.ensure("vda").disks().getFirst();
        source.guestWrites("vda", "1M");
      }
      migrate(source, target, there.resolve("migration.sock"), bitmapsInStream);

      try (Client client = Client.of(target)) {
        Disk vda = client.renew(of(recorded.epoch())).getFirst();

        assertThat(Markers.openId(vda)).isPresent();
        assertThat(BitmapAt.find(vda, recorded.bitmap()).map(Bitmap::dirtyBytes))
            .isEqualTo(Optional.of(65536L));
      }
    }
  }

  private static void migrate(Qemu source, Qemu target, Path socket, boolean bitmapsInStream) {
    for (Qemu qemu : List.of(source, target)) {
      qemu.qmp(
          "migrate-set-capabilities",
          """
          {"capabilities": [{"capability": "dirty-bitmaps", "state": %s}]}
          """
              .formatted(bitmapsInStream));
    }
    target.qmp("migrate-incoming", "{\"uri\": \"unix:%s\"}".formatted(socket));
    source.qmp("migrate", "{\"uri\": \"unix:%s\"}".formatted(socket));
    await(
        () ->
            target.qmp("query-status", "{}").path("status").asText().equals("running")
                && source.qmp("query-migrate", "{}").path("status").asText().equals("completed"));
  }

  private static void unplug(Qemu qemu) {
    qemu.qmp("device_del", "{\"id\": \"vda\"}");
    await(() -> qemu.qmp("query-block", "{}").isEmpty());
    qemu.qmp("blockdev-del", "{\"node-name\": \"vda-node\"}");
  }

  private static void plugIn(Qemu qemu) {
    qemu.qmp(
        "blockdev-add",
        "{\"driver\": \"qcow2\", \"node-name\": \"vda-node\", \"file\": \"vda-node-file\"}");
    qemu.qmp(
        "device_add",
        """
        {"driver": "scsi-hd", "id": "vda", "bus": "scsi.0", "drive": "vda-node"}
        """);
  }

  private static void kill(Qemu qemu) {
    qemu.process().destroyForcibly().onExit().join();
  }

  private static void await(Callable<Boolean> condition) {
    Awaitility.await()
        .pollDelay(Duration.ZERO)
        .pollInterval(Duration.ofMillis(10))
        .atMost(Duration.ofSeconds(30))
        .until(condition);
  }

  private static Renewal of(String recorded) {
    return new Renewal("vda", recorded, List.of(), List.of(), false);
  }

  private static String renewedEpoch(Client client, String recorded) {
    return Markers.openId(client.renew(of(recorded)).getFirst()).orElseThrow();
  }

  private static void assertEpochMissing(Client client, String recorded) {
    assertThatThrownBy(() -> client.renew(of(recorded))).isInstanceOf(EpochMissing.class);
    assertThat(client.changes()).isEmpty();
  }

  private CheckpointDisk checkpointAndQuit() {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      CheckpointDisk disk = client.ensure("vda").disks().getFirst();
      qemu.guestWrites("vda", "1M");
      qemu.quit();
      return disk;
    }
  }

  private Qemu.Builder oneDisk() {
    Tool.qcow2(image("vda"));
    return sameDisk();
  }

  private Qemu.Builder sameDisk() {
    return Qemu.in(dir).stopped().disk("vda", image("vda"));
  }

  private Path image(String name) {
    return dir.resolve(name + ".qcow2");
  }
}
