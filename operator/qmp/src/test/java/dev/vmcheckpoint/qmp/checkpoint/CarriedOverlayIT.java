package dev.vmcheckpoint.qmp.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vmcheckpoint.qmp.Command;
import dev.vmcheckpoint.qmp.Deadline;
import dev.vmcheckpoint.qmp.QmpException;
import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.BitmapBusy;
import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.DeadlineExceeded;
import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.EpochMissing;
import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.MergeImpossible;
import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.OutcomeUnknown;
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
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A disk whose checkpoint's bitmap is on several layers. The guest writes 64 KiB at 1 MiB before
 * the first overlay, and at 2 MiB, 3 MiB and so on after each.
 */
@Timeout(60)
final class CarriedOverlayIT {
  private static final String MERGE = "block-dirty-bitmap-merge";

  @TempDir Path dir;

  // What is merged

  @Test
  void whatTheLayerBelowListsIsMergedIntoTheActiveOne() {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      CheckpointDisk recorded = checkpoint(qemu, client);
      carry(qemu, "vda-node", "top");
      qemu.guestWrites("vda", "2M");
      assertThat(count(qemu, "top", recorded)).isEqualTo(65536);

      client.renew(merging(recorded));

      assertThat(count(qemu, "top", recorded)).isEqualTo(2 * 65536);
      assertThat(count(qemu, "vda-node", recorded)).isEqualTo(65536);
    }
  }

  @Test
  void theOverlayIsMarkedAndTheLayerBelowAsLongAsItIsOpen() {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      CheckpointDisk recorded = checkpoint(qemu, client);
      List<String> below = qemu.bitmaps("vda-node");
      carry(qemu, "vda-node", "top");

      String epoch = Markers.openId(client.renew(merging(recorded)).getFirst()).orElseThrow();

      assertThat(epoch).isNotEqualTo(recorded.epoch());
      assertThat(qemu.bitmaps("top"))
          .containsExactlyInAnyOrder(
              recorded.bitmap(), "vmcp-epoch." + epoch, "vmcp-open." + epoch);
      assertThat(qemu.bitmaps("vda-node"))
          .containsAll(below)
          .hasSize(below.size() + 1)
          .contains("vmcp-open." + epoch);
    }
  }

  @Test
  void mergingAgainDoesNoHarm() {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      CheckpointDisk recorded = checkpoint(qemu, client);
      carry(qemu, "vda-node", "top");
      List<Disk> first = client.renew(merging(recorded));

      assertThat(client.renew(merging(recorded))).isEqualTo(first);
    }
  }

  @Test
  void theActiveBitmapGoesOnRecording() {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      CheckpointDisk recorded = checkpoint(qemu, client);
      carry(qemu, "vda-node", "top");
      client.renew(merging(recorded));

      qemu.guestWrites("vda", "4M");

      assertThat(count(qemu, "top", recorded)).isEqualTo(2 * 65536);
    }
  }

  @Test
  void severalLayersAreMergedAtOnce() {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      CheckpointDisk recorded = checkpoint(qemu, client);
      carry(qemu, "vda-node", "mid");
      qemu.guestWrites("vda", "2M");
      carry(qemu, "mid", "top");
      qemu.guestWrites("vda", "3M");

      client.renew(merging(recorded));

      assertThat(count(qemu, "top", recorded)).isEqualTo(3 * 65536);
      assertThat(client.changes()).filteredOn(MERGE::equals).hasSize(1);
    }
  }

  @Test
  void anOverlayThatIsFirstSeenAfterARestartIsMergedAsWell() {
    CheckpointDisk recorded;
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      recorded = checkpoint(qemu, client);
      carry(qemu, "vda-node", "top");
      qemu.guestWrites("vda", "2M");
      qemu.quit();
    }

    try (Qemu qemu = Qemu.in(dir).stopped().disk("vda", image("top")).start();
        Client client = Client.of(qemu)) {
      client.renew(merging(recorded));

      assertThat(count(qemu, "vda-node", recorded)).isEqualTo(2 * 65536);
    }
  }

  @Test
  void whereNoLayerBelowHasTheBitmapNoMergeIsSentAndQemuLives() {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      CheckpointDisk recorded = checkpoint(qemu, client);

      client.renew(merging(recorded));

      assertThat(client.changes()).doesNotContain(MERGE);
      assertThat(qemu.process().isAlive()).isTrue();
    }
  }

  @Test
  void eachOfSeveralCheckpointsIsMergedForItself() {
    CheckpointUid other = new CheckpointUid("0b");
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      CheckpointDisk older = checkpoint(qemu, client);
      CheckpointDisk younger =
          client.ensure(other, OptionalLong.empty(), Barrier.FLUSH, "vda").disks().getFirst();
      carry(qemu, "vda-node", "top");
      qemu.guestWrites("vda", "2M");

      client.renew(merging(older));
      assertThat(count(qemu, "top", younger)).isEqualTo(65536);
      client.renew(merging(younger));

      assertThat(count(qemu, "top", older)).isEqualTo(2 * 65536);
      assertThat(count(qemu, "top", younger)).isEqualTo(65536);
    }
  }

  // What cannot be made whole

  @Test
  void anOverlayThatDoesNotHaveTheBitmapIsRefused() {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      CheckpointDisk recorded = checkpoint(qemu, client);
      Layers.snapshot(qemu, "vda-node", "top", Layers.overlay(image("top"), image("vda")));

      assertRefusedUntouched(
          qemu, client, recorded, "the active image of disk vda does not have the bitmap");
    }
  }

  @Test
  void aLayerBetweenThatDoesNotHaveTheBitmapIsRefused() {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      CheckpointDisk recorded = checkpoint(qemu, client);
      Layers.snapshot(qemu, "vda-node", "mid", Layers.overlay(image("mid"), image("vda")));
      qemu.guestWrites("vda", "2M");
      Layers.snapshot(qemu, "mid", "top", Layers.overlay(image("top"), image("mid")));
      add(qemu, "top", recorded.bitmap());

      assertRefusedUntouched(
          qemu, client, recorded, "the layer %s of disk vda".formatted(image("mid")));
    }
  }

  @Test
  void anInconsistentBitmapBelowIsRefused() {
    CheckpointDisk lost;
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      lost = checkpoint(qemu, client);
      qemu.quit();
    }
    try (Qemu qemu = Qemu.in(dir).stopped().disk("vda", image("vda")).start()) {
      qemu.process().destroyForcibly().onExit().join();
    }
    try (Qemu qemu = Qemu.in(dir).stopped().disk("vda", image("vda")).start();
        Client client = Client.of(qemu)) {
      add(qemu, "vda-node", "vmcp-epoch.0");
      Layers.snapshot(qemu, "vda-node", "top", Layers.overlay(image("top"), image("vda")));
      add(qemu, "top", lost.bitmap());

      assertRefusedUntouched(
          qemu,
          client,
          new Renewal("vda", "0", List.of(lost.bitmap()), List.of(), false),
          "inconsistent=true");
    }
  }

  @Test
  void aBitmapBelowThatSomebodyDisabledIsRefused() {
    assertRefusedAfter(
        (qemu, recorded) -> {
          carry(qemu, "vda-node", "top");
          disable(qemu, "vda-node", recorded.bitmap());
        },
        "on the lower layer %s does not list every write".formatted(image("vda")));
  }

  @Test
  void anActiveBitmapThatSomebodyDisabledIsRefused() {
    assertRefusedAfter(
        (qemu, recorded) -> {
          carry(qemu, "vda-node", "top");
          disable(qemu, "top", recorded.bitmap());
        },
        "on the active image does not list every write");
  }

  @Test
  void anOverlayThatWasGrownIsRefusedForQemuMergesOneSizeOnly() {
    assertRefusedAfter(
        (qemu, recorded) -> {
          carry(qemu, "vda-node", "top");
          qemu.qmp("block_resize", "{\"node-name\": \"top\", \"size\": 33554432}");
        },
        "is of 16777216 bytes on the lower layer %s and of 33554432 on the active image"
            .formatted(image("vda")));
  }

  @ParameterizedTest
  @CsvSource({"vda-node, false", "top, true"})
  void aBusyBitmapIsRefused(String node, boolean writable) {
    try (Qemu qemu = sharedDisk().start();
        Client client = Client.of(qemu)) {
      CheckpointDisk recorded = checkpoint(qemu, client);
      carry(qemu, "vda-node", "top");
      export(qemu, node, recorded.bitmap(), writable);
      List<String> before = qemu.bitmaps("top");

      assertThatThrownBy(() -> client.renew(merging(recorded)))
          .isInstanceOf(BitmapBusy.class)
          .hasMessageContaining(recorded.bitmap());
      assertThat(qemu.bitmaps("top")).isEqualTo(before);
    }
  }

  // What happens meanwhile

  @ParameterizedTest
  @CsvSource({"1, before", "1, after", "2, before", "2, after", "3, before", "3, after"})
  void aRenewalThatEndsAnywhereIsCompletedByTheNext(int step, String when) {
    try (Qemu qemu = oneDisk().start()) {
      CheckpointDisk recorded;
      try (Client client = Client.of(qemu)) {
        recorded = checkpoint(qemu, client);
        carry(qemu, "vda-node", "top");
        qemu.guestWrites("vda", "2M");
      }
      try (Client client = Client.with(qemu, new EndingAt(step, when.equals("before")))) {
        assertThatThrownBy(() -> client.renew(merging(recorded)))
            .isInstanceOf(OutcomeUnknown.class);
      }

      try (Client client = Client.of(qemu)) {
        Disk vda = client.renew(merging(recorded)).getFirst();

        assertThat(Markers.openId(vda)).isPresent();
        assertThat(qemu.bitmaps("top"))
            .filteredOn(name -> name.startsWith("vmcp-open."))
            .hasSize(1);
        assertThat(count(qemu, "top", recorded)).isEqualTo(2 * 65536);
        assertThat(qemu.bitmaps("vda-node")).contains("vmcp-epoch." + recorded.epoch());
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"before", "after"})
  void aRemovalOfAReplacedMarkerThatEndsAnywhereIsCompletedByTheNext(String when) {
    try (Qemu qemu = oneDisk().start()) {
      String open;
      try (Client client = Client.of(qemu)) {
        open = checkpoint(qemu, client).epoch();
        add(qemu, "vda-node", "vmcp-epoch.0");
      }
      Renewal removing = new Renewal("vda", open, List.of(), List.of("0"), false);
      try (Client client = Client.with(qemu, new EndingAt(1, when.equals("before")))) {
        assertThatThrownBy(() -> client.renew(removing)).isInstanceOf(OutcomeUnknown.class);
      }

      try (Client client = Client.of(qemu)) {
        client.renew(removing);

        assertThat(qemu.bitmaps("vda-node"))
            .contains("vmcp-epoch." + open)
            .doesNotContain("vmcp-epoch.0");
      }
    }
  }

  @Test
  void aDeadlineThatPassesBeforeTheMergeLeavesTheRecordGood() {
    try (Qemu qemu = oneDisk().start()) {
      CheckpointDisk recorded;
      try (Client client = Client.of(qemu)) {
        recorded = checkpoint(qemu, client);
        carry(qemu, "vda-node", "top");
      }
      Deadline deadline = Deadline.after(Duration.ofSeconds(2));
      try (Client client = Client.with(qemu, new LateAt(2, deadline))) {
        assertThatThrownBy(() -> client.renew(deadline, merging(recorded)))
            .isInstanceOf(DeadlineExceeded.class);
        assertThat(client.changes()).doesNotContain(MERGE);
      }

      try (Client client = Client.of(qemu)) {
        client.renew(merging(recorded));

        assertThat(count(qemu, "top", recorded)).isEqualTo(65536);
      }
    }
  }

  // What becomes of the layers

  @Test
  void aPlainOverlayThatIsCommittedLeavesTheBitmapWholeAndAnOpeningToBeMarkedAnew() {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      CheckpointDisk recorded = checkpoint(qemu, client);
      Layers.snapshot(qemu, "vda-node", "top", Layers.overlay(image("top"), image("vda")));
      qemu.guestWrites("vda", "2M");
      Layers.commit(qemu, "top");

      Disk vda =
          client
              .renew(new Renewal("vda", recorded.epoch(), List.of(), List.of(), false))
              .getFirst();

      assertThat(Markers.openId(vda)).isPresent().isNotEqualTo(Optional.of(recorded.epoch()));
      assertThat(count(qemu, "vda-node", recorded)).isEqualTo(2 * 65536);
    }
  }

  @Test
  void aCarriedOverlayThatIsCommittedLeavesTheMarkerOfTheLayerBelowThatWasNeverClosed() {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      CheckpointDisk recorded = checkpoint(qemu, client);
      carry(qemu, "vda-node", "top");
      client.renew(merging(recorded));
      qemu.guestWrites("vda", "2M");
      Layers.commit(qemu, "top");

      assertThat(qemu.bitmaps("vda-node")).contains("vmcp-open." + recorded.epoch());
      assertThat(count(qemu, "vda-node", recorded)).isEqualTo(2 * 65536);
    }
  }

  @Test
  void aCarriedOverlayThatIsCommittedAfterARestartLeavesItsMarkerOnTheLayerBelow() {
    CheckpointDisk recorded;
    String onOverlay;
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      recorded = checkpoint(qemu, client);
      carry(qemu, "vda-node", "top");
      onOverlay = Markers.openId(client.renew(merging(recorded)).getFirst()).orElseThrow();
      qemu.quit();
    }

    try (Qemu qemu = Qemu.in(dir).stopped().disk("vda", image("top")).start();
        Client client = Client.of(qemu)) {
      Renewal renewal = new Renewal("vda", onOverlay, List.of(recorded.bitmap()), List.of(), false);
      String reopened = Markers.openId(client.renew(renewal).getFirst()).orElseThrow();
      Layers.commit(qemu, "vda-node");

      Disk vda = client.renew(new Renewal("vda", reopened, List.of(), List.of(), false)).getFirst();

      assertThat(vda.image().orElseThrow().file()).isEqualTo(image("vda").toString());
      assertThat(Markers.openId(vda)).isPresent();
    }
  }

  @Test
  void anOverlayThatIsCommittedBeforeAnotherComesLeavesItsMarkerBelowThat() {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      CheckpointDisk recorded = checkpoint(qemu, client);
      carry(qemu, "vda-node", "mid");
      String onMid = Markers.openId(client.renew(merging(recorded)).getFirst()).orElseThrow();
      Layers.commit(qemu, "mid");
      qemu.qmp("blockdev-del", "{\"node-name\": \"mid\"}");
      carry(qemu, "vda-node", "top");

      client.renew(new Renewal("vda", onMid, List.of(recorded.bitmap()), List.of(), false));

      assertThat(count(qemu, "top", recorded)).isEqualTo(65536);
    }
  }

  @Test
  void aLowerLayerIsNotLeftWithTheMarkersOfManyOverlaysThatAreGone() {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      CheckpointDisk recorded = checkpoint(qemu, client);
      for (int i = 0; i < 20; i++) {
        carry(qemu, "vda-node", "top" + i);
        client.renew(merging(recorded));
        Layers.commit(qemu, "top" + i);
        qemu.qmp("blockdev-del", "{\"node-name\": \"top%d\"}".formatted(i));
      }

      assertThat(qemu.bitmaps("vda-node"))
          .contains("vmcp-open." + recorded.epoch())
          .hasSizeLessThan(15);
    }
  }

  @Test
  void aCarriedOverlayThatIsThrownAwayTakesItsMarkerAlong() {
    String onOverlay;
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      CheckpointDisk recorded = checkpoint(qemu, client);
      carry(qemu, "vda-node", "top");
      onOverlay = Markers.openId(client.renew(merging(recorded)).getFirst()).orElseThrow();
      qemu.quit();
    }

    try (Qemu qemu = Qemu.in(dir).stopped().disk("vda", image("vda")).start();
        Client client = Client.of(qemu)) {
      assertThatThrownBy(
              () -> client.renew(new Renewal("vda", onOverlay, List.of(), List.of(), false)))
          .isInstanceOf(EpochMissing.class);
    }
  }

  @Test
  void aStreamThatLeavesTheRecordedImageBehindLeavesItsMarkerToo() {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      CheckpointDisk recorded = checkpoint(qemu, client);
      carry(qemu, "vda-node", "top");
      Layers.stream(qemu, "top");

      assertThat(qemu.bitmaps("top")).containsExactly(recorded.bitmap());
      assertThatThrownBy(() -> client.renew(merging(recorded))).isInstanceOf(EpochMissing.class);
    }
  }

  @Test
  void aStreamAfterTheMergeLosesNothing() {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      CheckpointDisk recorded = checkpoint(qemu, client);
      carry(qemu, "vda-node", "top");
      qemu.guestWrites("vda", "2M");
      String epoch = Markers.openId(client.renew(merging(recorded)).getFirst()).orElseThrow();
      Layers.stream(qemu, "top");

      client.renew(new Renewal("vda", epoch, List.of(recorded.bitmap()), List.of(), false));

      assertThat(count(qemu, "top", recorded)).isEqualTo(2 * 65536);
    }
  }

  /** The connection breaks around the n-th change. */
  private static final class EndingAt implements Between {
    private final int step;
    private final boolean before;
    private int changes;

    EndingAt(int step, boolean before) {
      this.step = step;
      this.before = before;
    }

    @Override
    public void before(Command command) {
      if (command.effect() == Command.Effect.CHANGE && ++changes == step && before) {
        throw new QmpException.ConnectionLost("broken before the command was sent", null);
      }
    }

    @Override
    public void after(Command command) {
      if (command.effect() == Command.Effect.CHANGE && changes == step) {
        throw new QmpException.ConnectionLost("broken before the reply was read", null);
      }
    }
  }

  /** The reply to the n-th change comes when the deadline has passed. */
  private static final class LateAt implements Between {
    private final int step;
    private final Deadline deadline;
    private int changes;

    LateAt(int step, Deadline deadline) {
      this.step = step;
      this.deadline = deadline;
    }

    @Override
    public void after(Command command) {
      if (command.effect() == Command.Effect.CHANGE && ++changes == step) {
        try {
          Thread.sleep(Math.max(0, deadline.remaining().toMillis() + 1));
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        }
      }
    }
  }

  private interface Change {
    void make(Qemu qemu, CheckpointDisk recorded);
  }

  private void assertRefusedAfter(Change change, String words) {
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      CheckpointDisk recorded = checkpoint(qemu, client);
      change.make(qemu, recorded);

      assertRefusedUntouched(qemu, client, recorded, words);
    }
  }

  private static void assertRefusedUntouched(
      Qemu qemu, Client client, CheckpointDisk recorded, String words) {
    assertRefusedUntouched(qemu, client, merging(recorded), words);
  }

  private static void assertRefusedUntouched(
      Qemu qemu, Client client, Renewal renewal, String words) {
    List<String> before = qemu.bitmaps("top");

    assertThatThrownBy(() -> client.renew(renewal))
        .isInstanceOf(MergeImpossible.class)
        .hasMessageContaining(words);
    assertThat(qemu.bitmaps("top")).isEqualTo(before);
  }

  private static CheckpointDisk checkpoint(Qemu qemu, Client client) {
    CheckpointDisk disk = client.ensure("vda").disks().getFirst();
    qemu.guestWrites("vda", "1M");
    return disk;
  }

  private static Renewal merging(CheckpointDisk recorded) {
    return new Renewal("vda", recorded.epoch(), List.of(recorded.bitmap()), List.of(), false);
  }

  private void carry(Qemu qemu, String node, String overlayNode) {
    Path below = image(node.equals("vda-node") ? "vda" : node);
    Layers.snapshotCarryingBitmaps(
        qemu, node, overlayNode, Layers.overlay(image(overlayNode), below));
  }

  private static long count(Qemu qemu, String node, CheckpointDisk disk) {
    return qemu.bitmap(node, disk.bitmap()).path("count").longValue();
  }

  private Qemu.Builder oneDisk() {
    return Qemu.in(dir).stopped().disk("vda", Tool.qcow2(image("vda")));
  }

  private Qemu.Builder sharedDisk() {
    return Qemu.in(dir)
        .stopped()
        .node("vda-node", Tool.qcow2(image("vda")))
        .device("vda", "vda-node", "share-rw=on");
  }

  private Path image(String name) {
    return dir.resolve(name + ".qcow2");
  }

  private static void add(Qemu qemu, String node, String name) {
    qemu.qmp(
        "block-dirty-bitmap-add",
        "{\"node\": \"%s\", \"name\": \"%s\", \"persistent\": true}".formatted(node, name));
  }

  private static void disable(Qemu qemu, String node, String name) {
    qemu.qmp(
        "block-dirty-bitmap-disable", "{\"node\": \"%s\", \"name\": \"%s\"}".formatted(node, name));
  }

  private void export(Qemu qemu, String node, String bitmap, boolean writable) {
    qemu.qmp(
        "nbd-server-start",
        "{\"addr\": {\"type\": \"unix\", \"data\": {\"path\": \"%s\"}}}"
            .formatted(dir.resolve("other.nbd")));
    qemu.qmp(
        "block-export-add",
        """
        {"type": "nbd", "id": "other", "node-name": "%s", "writable": %s, "bitmaps": ["%s"]}
        """
            .formatted(node, writable, bitmap));
  }
}
