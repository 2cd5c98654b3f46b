package dev.vmcheckpoint.qmp.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vmcheckpoint.qmp.Command;
import dev.vmcheckpoint.qmp.QmpException;
import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.FlushPending;
import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.OutcomeUnknown;
import dev.vmcheckpoint.qmp.checkpoint.Client.Between;
import dev.vmcheckpoint.qmp.checkpoint.Ensured.CheckpointDisk;
import dev.vmcheckpoint.qmp.fixture.Layers;
import dev.vmcheckpoint.qmp.fixture.Qemu;
import dev.vmcheckpoint.qmp.fixture.StoppableMedium;
import dev.vmcheckpoint.qmp.fixture.Tool;
import dev.vmcheckpoint.qmp.flush.MonitorVolume;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The flush that follows the add. */
@Timeout(60)
final class FlushIT {
  private static final String SERVER_START = "nbd-server-start";
  private static final String EXPORT_ADD = "block-export-add";
  private static final String SERVER_STOP = "nbd-server-stop";
  private static final String HUMAN_MONITOR = "human-monitor-command";

  @TempDir Path dir;

  // What it is for

  @Test
  void aCopyOfTheImageHasWhatTheGuestWroteBefore() throws IOException {
    try (Qemu qemu = qemu().start();
        Client client = Client.of(qemu)) {
      qemu.guestWrites("vda", "1M");

      client.ensure(Barrier.FLUSH, "vda");

      assertThat(copyHasWriteAt("1M")).isTrue();
    }
  }

  @Test
  void withoutABarrierACopyOfTheImageCanMissIt() throws IOException {
    try (Qemu qemu = qemu().start();
        Client client = Client.of(qemu)) {
      qemu.guestWrites("vda", "1M");

      client.ensure(Barrier.NONE, "vda");

      assertThat(copyHasWriteAt("1M")).isFalse();
    }
  }

  @Test
  void aCopyOfAnImageHasWhatAStreamMovedThereOnceThatIsRenewed() throws IOException {
    try (Qemu qemu = overlayOverAWriteAt("1M").start();
        Client client = Client.of(qemu)) {
      CheckpointDisk recorded = client.ensure(Barrier.FLUSH, "vda").disks().getFirst();
      Layers.stream(qemu, "vda-node");

      client.renew(flushing(recorded));

      assertThat(copyHasWriteAt("1M")).isTrue();
      assertThat(client.ensure(Barrier.NONE, "vda").disks().getFirst().dirtyBytes()).isZero();
    }
  }

  @Test
  void withoutAFlushItCanMissThat() throws IOException {
    try (Qemu qemu = overlayOverAWriteAt("1M").start();
        Client client = Client.of(qemu)) {
      client.ensure(Barrier.FLUSH, "vda");

      Layers.stream(qemu, "vda-node");

      assertThat(copyHasWriteAt("1M")).isFalse();
    }
  }

  @ParameterizedTest
  @EnumSource(Barrier.class)
  void aCopyOfTheLayersHasWhatACommitMovedThereBeforeOnlyIfThatIsFlushed(Barrier barrier)
      throws IOException {
    try (Qemu qemu = threeLayersWithAWriteInTheMiddleAt("1M", false).start();
        Client client = Client.of(qemu)) {
      Layers.commitBelow(qemu, "vda-node", "middle-node", "base-node");

      client.ensure(barrier, "vda");

      assertThat(copyHasWriteAt("1M", "base.qcow2")).isEqualTo(barrier == Barrier.FLUSH);
    }
  }

  @ParameterizedTest
  @EnumSource(Barrier.class)
  void aLayerThatIsReadOnlyAgainAfterACommitHasItAnyway(Barrier barrier) throws IOException {
    try (Qemu qemu = threeLayersWithAWriteInTheMiddleAt("1M", true).start();
        Client client = Client.of(qemu)) {
      Layers.commitBelow(qemu, "vda-node", "middle-node", "base-node");

      client.ensure(barrier, "vda");

      assertThat(copyHasWriteAt("1M", "base.qcow2")).isTrue();
      assertThat(Collections.frequency(client.changes(), EXPORT_ADD))
          .isEqualTo(barrier == Barrier.FLUSH ? 1 : 0);
    }
  }

  @Test
  void aRenewalWhoseFlushFailsIsPending() {
    try (Qemu qemu = qemuWhoseFlushesFail(false).start();
        Client client = Client.of(qemu)) {
      qemu.guestWrites("vda", "1M");
      CheckpointDisk recorded = client.ensure(Barrier.NONE, "vda").disks().getFirst();

      assertThatThrownBy(() -> client.renew(flushing(recorded)))
          .isInstanceOf(FlushPending.class)
          .hasMessageContaining("disk vda");
    }
  }

  @Test
  void aRenewalWhoseFlushDoesNotReturnIsPendingUntilItHas() {
    try (StoppableMedium medium = StoppableMedium.of(image(), dir);
        Qemu qemu = on(medium).start()) {
      qemu.guestWrites("vda", "1M");
      CheckpointDisk recorded;
      try (Client client = Client.of(qemu)) {
        recorded = client.ensure(Barrier.NONE, "vda").disks().getFirst();
      }
      medium.stop();

      try (Client client = Client.impatient(qemu)) {
        assertThatThrownBy(() -> client.renew(flushing(recorded)))
            .isInstanceOf(FlushPending.class)
            .hasMessageContaining("did not return within PT2S");
      }
      medium.resume();
      try (Client client = Client.of(qemu)) {
        assertThat(onceFlushed(() -> client.renew(flushing(recorded)))).hasSize(1);
        assertThat(qemu.qmp("query-block-exports", "{}")).isEmpty();
      }
    }
  }

  @ParameterizedTest
  @EnumSource(
      names = {"NBD_SERVER_START", "BLOCK_EXPORT_ADD", "BLOCK_EXPORT_DEL", "NBD_SERVER_STOP"})
  void aFlushOfARenewalThatEndsAnywhereIsDoneAnewByTheNext(Command last) throws IOException {
    try (Qemu qemu = overlayOverAWriteAt("1M").start()) {
      CheckpointDisk recorded;
      try (Client client = Client.of(qemu)) {
        recorded = client.ensure(Barrier.FLUSH, "vda").disks().getFirst();
      }
      Layers.stream(qemu, "vda-node");
      try (Client client = Client.with(qemu, Between.after(last, FlushIT::breakOff))) {
        assertThatThrownBy(() -> client.renew(flushing(recorded)))
            .isInstanceOf(OutcomeUnknown.class);
      }

      try (Client client = Client.of(qemu)) {
        assertThat(onceFlushed(() -> client.renew(flushing(recorded)))).hasSize(1);

        assertThat(copyHasWriteAt("1M")).isTrue();
        assertThat(qemu.qmp("query-block-exports", "{}")).isEmpty();
      }
    }
  }

  private static void breakOff() {
    throw new QmpException.ConnectionLost("broken before the reply was read", null);
  }

  @Test
  void aQemuThatIsKilledDuringTheFlushOfARenewalLeavesTheOutcomeUnknown() {
    try (Qemu qemu = qemu().start()) {
      CheckpointDisk recorded;
      try (Client client = Client.of(qemu)) {
        recorded = client.ensure(Barrier.NONE, "vda").disks().getFirst();
      }

      try (Client client =
          Client.with(
              qemu,
              Between.before(
                  Command.BLOCK_EXPORT_ADD,
                  () -> qemu.process().destroyForcibly().onExit().join()))) {
        assertThatThrownBy(() -> client.renew(flushing(recorded)))
            .isInstanceOf(OutcomeUnknown.class);
      }
    }
  }

  @Test
  void aCopyOfTheLayersHasWhatACommitMovedThereOnceThatIsRenewed() throws IOException {
    try (Qemu qemu = threeLayersWithAWriteInTheMiddleAt("1M", false).start();
        Client client = Client.of(qemu)) {
      CheckpointDisk recorded = client.ensure(Barrier.FLUSH, "vda").disks().getFirst();
      Layers.commitBelow(qemu, "vda-node", "middle-node", "base-node");

      client.renew(flushing(recorded));

      assertThat(copyHasWriteAt("1M", "base.qcow2")).isTrue();
    }
  }

  private static Renewal flushing(CheckpointDisk recorded) {
    return new Renewal(recorded.name(), recorded.epoch(), List.of(), List.of(), true);
  }

  private Qemu.Builder overlayOverAWriteAt(String offset) {
    Path base = Tool.qcow2(dir.resolve("base.qcow2"));
    Tool.run(
        "qemu-io", "-f", "qcow2", "-c", "write -P 1 %s 64k".formatted(offset), base.toString());
    return Qemu.in(dir).stopped().disk("vda", Layers.overlay(dir.resolve("vda.qcow2"), base));
  }

  @Test
  void nothingIsLeftOfIt() {
    try (Qemu qemu = qemu().start();
        Client client = Client.of(qemu)) {
      client.ensure("vda");

      assertThat(client.changes())
          .endsWith(SERVER_START, EXPORT_ADD, "block-export-del", SERVER_STOP);
      assertThat(qemu.qmp("query-block-exports", "{}")).isEmpty();
      assertThat(dir.resolve("vmcp.nbd")).doesNotExist();
    }
  }

  // Where NBD does not do

  @Test
  void withAnIoThreadItGoesThroughTheHumanMonitor() throws IOException {
    try (Qemu qemu =
            Qemu.in(dir)
                .stopped()
                .with("-object", "iothread,id=io")
                .node("vda-node", image())
                .device("vda", "vda-node", "iothread=io")
                .start();
        Client client = Client.of(qemu)) {
      qemu.guestWrites("vda", "1M");

      client.ensure("vda");

      assertThat(copyHasWriteAt("1M")).isTrue();
      assertThat(client.changes()).contains(HUMAN_MONITOR).doesNotContain(SERVER_START);
    }
  }

  @Test
  void besideAnotherNbdServerItGoesThroughTheHumanMonitor() throws IOException {
    try (Qemu qemu =
            Qemu.in(dir)
                .stopped()
                .node("vda-node", image())
                .device("vda", "vda-node", "share-rw=on")
                .start();
        Client client = Client.of(qemu)) {
      qemu.qmp("block-dirty-bitmap-add", "{\"node\": \"vda-node\", \"name\": \"other\"}");
      qemu.exports("vda-node", "other");
      qemu.guestWrites("vda", "1M");

      client.ensure("vda");

      assertThat(copyHasWriteAt("1M")).isTrue();
      assertThat(client.changes()).contains(HUMAN_MONITOR).doesNotContain(EXPORT_ADD, SERVER_STOP);
      assertThat(qemu.qmp("query-block-exports", "{}")).hasSize(1);
    }
  }

  @Test
  void whereQemusDirectoryIsNotKnownItGoesThroughTheHumanMonitor() {
    try (Qemu qemu = qemu().start();
        Client client = Client.with(qemu, MonitorVolume.of(dir.resolve("renamed.sock")))) {
      client.ensure("vda");

      assertThat(client.changes()).contains(HUMAN_MONITOR).doesNotContain(SERVER_START);
    }
  }

  @Test
  void whereQemusSocketIsOutOfReachItGoesThroughTheHumanMonitor() {
    MonitorVolume elsewhere = MonitorVolume.of(dir.resolve("elsewhere").resolve("qmp.sock"));

    try (Qemu qemu = qemu().start();
        Client client = Client.with(qemu, elsewhere)) {
      client.ensure("vda");

      assertThat(client.changes())
          .containsSubsequence(SERVER_START, SERVER_STOP, HUMAN_MONITOR)
          .doesNotContain(EXPORT_ADD);
    }
  }

  // Where it fails

  @Test
  void aFlushThatFailsLeavesTheBitmapsForTheNextTry() {
    try (Qemu qemu = qemuWhoseFlushesFail(true).start();
        Client client = Client.of(qemu)) {
      qemu.guestWrites("vda", "1M");

      assertThatThrownBy(() -> client.ensure("vda"))
          .isInstanceOf(FlushPending.class)
          .hasMessageContaining("disk vda: the flush of node vda-node failed");

      assertThat(qemu.bitmaps("vda-node")).hasSize(3);
      assertThat(qemu.qmp("query-block-exports", "{}")).isEmpty();
      assertThat(client.ensure("vda").adopted()).isTrue();
    }
  }

  @Test
  void aFlushThatDoesNotReturnIsNotBegunAgainUntilItHas() {
    try (StoppableMedium medium = StoppableMedium.of(image(), dir);
        Qemu qemu = on(medium).start()) {
      qemu.guestWrites("vda", "1M");
      medium.stop();

      try (Client client = Client.impatient(qemu)) {
        assertThatThrownBy(() -> client.ensure("vda"))
            .isInstanceOf(FlushPending.class)
            .hasMessageContaining("did not return within PT2S");
        assertThat(qemu.bitmaps("vda-node")).hasSize(3);
      }
      try (Client client = Client.impatient(qemu)) {
        assertThatThrownBy(() -> client.ensure("vda"))
            .isInstanceOf(FlushPending.class)
            .hasMessageContaining("an earlier flush of node vda-node has not returned");
        assertThat(client.changes()).containsExactly("block-export-del");
      }
      medium.resume();
      try (Client client = Client.of(qemu)) {
        assertThat(onceFlushed(() -> client.ensure("vda")).adopted()).isTrue();
        assertThat(qemu.qmp("query-block-exports", "{}")).isEmpty();
      }
    }
  }

  @Test
  void aFlushThroughTheHumanMonitorThatDoesNotReturnIsPending() {
    try (StoppableMedium medium = StoppableMedium.of(image(), dir);
        Qemu qemu =
            Qemu.in(dir)
                .stopped()
                .with("-object", "iothread,id=io")
                .with(medium.nodes("vda-node"))
                .device("vda", "vda-node")
                .start();
        Client client = Client.impatient(qemu)) {
      qemu.guestWrites("vda", "1M");
      medium.stop();

      assertThatThrownBy(() -> client.ensure("vda"))
          .isInstanceOf(FlushPending.class)
          .hasMessageContaining("through the human monitor did not return");
    }
  }

  @Test
  void theHumanMonitorDoesNotTellThatAFlushFailed() {
    // A limit of QEMU 7.2: what qemu-io met goes to QEMU's standard error at most.
    try (Qemu qemu = qemuWhoseFlushesFail(false).start()) {
      qemu.guestWrites("vda", "1M");

      try (Client client = Client.with(qemu, MonitorVolume.of(dir.resolve("renamed.sock")))) {
        assertThat(client.ensure("vda").flushed()).isTrue();
        assertThat(client.changes()).contains(HUMAN_MONITOR);
      }
      try (Client client = Client.of(qemu)) {
        assertThatThrownBy(() -> client.ensure("vda")).isInstanceOf(FlushPending.class);
      }
    }
  }

  @Test
  void anExportThatQemuRefusesIsNoFlush() {
    try (Qemu qemu = qemu().start();
        Client client =
            Client.with(
                qemu,
                Between.before(
                    Command.BLOCK_EXPORT_ADD,
                    () -> {
                      throw new QmpException.Refused(
                          Command.BLOCK_EXPORT_ADD, "GenericError", "No");
                    }))) {
      assertThatThrownBy(() -> client.ensure("vda"))
          .isInstanceOf(FlushPending.class)
          .hasMessageContaining("was not exported");
      // QEMU 7.2 would never return from stopping the server under a client that negotiates.
      assertThat(client.changes()).doesNotContain(SERVER_STOP);
      assertThat(client.ensure("vda").adopted()).isTrue();
      assertThat(client.changes()).endsWith(SERVER_STOP);
    }
  }

  @Test
  void aQemuThatIsKilledMeanwhileLeavesTheOutcomeUnknown() {
    try (Qemu qemu = qemu().start();
        Client client =
            Client.with(
                qemu,
                Between.before(
                    Command.BLOCK_EXPORT_ADD,
                    () -> qemu.process().destroyForcibly().onExit().join()))) {
      assertThatThrownBy(() -> client.ensure("vda")).isInstanceOf(OutcomeUnknown.class);
    }
  }

  // What an earlier visit left

  @Test
  void theServerOfAnEarlierVisitIsUsedAndStopped() {
    try (Qemu qemu = qemu().start();
        Client client = Client.of(qemu)) {
      startServer(qemu);

      client.ensure("vda");

      assertThat(client.changes()).doesNotContain(HUMAN_MONITOR).endsWith(SERVER_STOP);
    }
  }

  @Test
  void theExportOfAnEarlierVisitIsRemoved() {
    try (Qemu qemu = qemu().start();
        Client client = Client.of(qemu)) {
      startServer(qemu);
      qemu.qmp(
          "block-export-add",
          "{\"type\": \"nbd\", \"id\": \"vmcp-flush-1\", \"node-name\": \"vda-node\"}");

      client.ensure("vda");

      assertThat(qemu.qmp("query-block-exports", "{}")).isEmpty();
    }
  }

  @Test
  void aSocketThatNobodyServesIsReplaced() throws IOException {
    Files.createFile(dir.resolve("vmcp.nbd"));

    try (Qemu qemu = qemu().start();
        Client client = Client.of(qemu)) {
      client.ensure("vda");

      assertThat(client.changes()).contains(EXPORT_ADD);
    }
  }

  @Test
  void aPeerInPlaceOfTheServerIsWaitedForInBounds() throws IOException {
    // A volume whose NBD socket leads to the monitor, which is held, and so never says a word.
    MonitorVolume misleading =
        new MonitorVolume() {
          @Override
          public String monitorSocket() {
            return "qmp.sock";
          }

          @Override
          public SocketChannel connect(String socket) throws IOException {
            return SocketChannel.open(UnixDomainSocketAddress.of(dir.resolve("qmp.sock")));
          }
        };

    try (Qemu qemu = qemu().start();
        Client client = Client.impatient(qemu, misleading)) {
      long begin = System.nanoTime();

      assertThat(client.ensure("vda").flushed()).isTrue();

      assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(30));
      assertThat(client.changes()).contains(HUMAN_MONITOR);
    }
  }

  private static <T> T onceFlushed(Callable<T> change) {
    return Awaitility.await()
        .atMost(Duration.ofSeconds(30))
        .pollInterval(Duration.ofMillis(20))
        .ignoreException(FlushPending.class)
        .until(change, _ -> true);
  }

  private Path image() {
    return Tool.qcow2(dir.resolve("vda.qcow2"));
  }

  private Qemu.Builder on(StoppableMedium medium) {
    return Qemu.in(dir).stopped().with(medium.nodes("vda-node")).device("vda", "vda-node");
  }

  private Qemu.Builder qemu() {
    return Qemu.in(dir).stopped().disk("vda", image());
  }

  private Qemu.Builder threeLayersWithAWriteInTheMiddleAt(String offset, boolean readOnly) {
    Path base = Tool.qcow2(dir.resolve("base.qcow2"));
    Path middle = Layers.overlay(dir.resolve("middle.qcow2"), base);
    Path image = Layers.overlay(dir.resolve("vda.qcow2"), middle);
    Tool.run("qemu-io", "-f", "qcow2", "-c", "write -P 1 %s 64k".formatted(offset), "" + middle);
    String access = "read-only=" + (readOnly ? "on" : "off");
    return Qemu.in(dir)
        .stopped()
        .node("base-node", base, access)
        .node("middle-node", middle, access, "backing=base-node")
        .node("vda-node", image, "backing=middle-node")
        .device("vda", "vda-node");
  }

  private Qemu.Builder qemuWhoseFlushesFail(boolean once) {
    // With its metadata allocated, the guest's write itself needs no flush.
    Path image = Tool.image(dir.resolve("vda.qcow2"), "qcow2", "16M", "preallocation=metadata");
    return Qemu.in(dir)
        .stopped()
        .with("-blockdev", "driver=file,node-name=file,filename=" + image)
        .with(
            "-blockdev",
            """
            {"driver": "blkdebug", "node-name": "debug", "image": "file",
             "inject-error": [{"event": "none", "iotype": "flush", "errno": 5, "once": %s}]}"""
                .formatted(once))
        .with("-blockdev", "driver=qcow2,node-name=vda-node,file=debug")
        .device("vda", "vda-node");
  }

  private void startServer(Qemu qemu) {
    qemu.qmp(
        "nbd-server-start",
        "{\"addr\": {\"type\": \"unix\", \"data\": {\"path\": \"%s\"}}}"
            .formatted(dir.resolve("vmcp.nbd")));
  }

  /** As a storage snapshot would: whatever is in the file at this moment. */
  private boolean copyHasWriteAt(String offset) throws IOException {
    return copyHasWriteAt(offset, "vda.qcow2");
  }

  private boolean copyHasWriteAt(String offset, String image) throws IOException {
    Path copy = dir.resolve("copy.qcow2");
    Files.copy(dir.resolve(image), copy, StandardCopyOption.REPLACE_EXISTING);
    return !Tool.output(
            "qemu-io",
            "-r",
            "-f",
            "qcow2",
            "-c",
            "read -P 1 %s 64k".formatted(offset),
            copy.toString())
        .contains("Pattern verification failed");
  }
}
