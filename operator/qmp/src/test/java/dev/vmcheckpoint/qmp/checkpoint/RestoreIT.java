package dev.vmcheckpoint.qmp.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.EpochMissing;
import dev.vmcheckpoint.qmp.checkpoint.Ensured.CheckpointDisk;
import dev.vmcheckpoint.qmp.fixture.Backup;
import dev.vmcheckpoint.qmp.fixture.Layers;
import dev.vmcheckpoint.qmp.fixture.Qemu;
import dev.vmcheckpoint.qmp.fixture.Tool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What a checkpoint is for: a copy of the image file that is made once the checkpoint is there,
 * together with the blocks that it lists, is the disk byte for byte.
 *
 * <p>The guest never flushes: its writes complete, and what says where they are stays in QEMU's
 * caches for as long as QEMU likes.
 */
@Timeout(120)
final class RestoreIT {
  private static final CheckpointUid OTHER = new CheckpointUid("0b");

  @TempDir Path dir;

  private final Random random = new Random(20231);

  // The barrier

  /** In an I/O thread QEMU 7.2 is flushed through the human monitor, otherwise by NBD. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aCopyMadeRightAfterTheCheckpointRestoresExactly(boolean inIoThread) {
    String bitmap;
    Backup copy;
    try (Qemu qemu = (inIoThread ? oneDiskInIoThread() : oneDisk()).start();
        Client client = Client.of(qemu)) {
      writeSome(qemu, "vda");
      bitmap = client.ensure(Barrier.FLUSH, "vda").disks().getFirst().bitmap();
      copy = Backup.copyOf(image("vda"));
      writeSome(qemu, "vda");
      qemu.quit();
    }

    assertThat(copy.wrongBlocks(image("vda"), bitmap)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void withoutTheFlushTheSameCopyIsWrong(boolean inIoThread) {
    String bitmap;
    Backup copy;
    try (Qemu qemu = (inIoThread ? oneDiskInIoThread() : oneDisk()).start();
        Client client = Client.of(qemu)) {
      writeSome(qemu, "vda");
      bitmap = client.ensure(Barrier.NONE, "vda").disks().getFirst().bitmap();
      copy = Backup.copyOf(image("vda"));
      writeSome(qemu, "vda");
      qemu.quit();
    }

    assertThat(copy.wrongBlocks(image("vda"), bitmap)).isNotEmpty();
  }

  @Test
  void eachOfSeveralDisksRestoresExactly() {
    List<CheckpointDisk> disks;
    List<Backup> copies = new ArrayList<>();
    try (Qemu qemu = oneDisk().disk("vdb", Tool.qcow2(image("vdb"))).start();
        Client client = Client.of(qemu)) {
      writeSome(qemu, "vda");
      writeSome(qemu, "vdb");
      disks = client.ensure("vda", "vdb").disks();
      disks.forEach(disk -> copies.add(Backup.copyOf(image(disk.name()))));
      writeSome(qemu, "vda");
      writeSome(qemu, "vdb");
      qemu.quit();
    }

    for (int i = 0; i < disks.size(); i++) {
      assertThat(copies.get(i).wrongBlocks(image(disks.get(i).name()), disks.get(i).bitmap()))
          .isEmpty();
    }
  }

  @Test
  void aLaterCheckpointOfTheDiskIsFlushedAsWell() {
    String younger;
    Backup copy;
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      client.ensure("vda");
      writeSome(qemu, "vda");
      younger =
          client
              .ensure(OTHER, OptionalLong.empty(), Barrier.FLUSH, "vda")
              .disks()
              .getFirst()
              .bitmap();
      copy = Backup.copyOf(image("vda"));
      writeSome(qemu, "vda");
      qemu.quit();
    }

    assertThat(copy.wrongBlocks(image("vda"), younger)).isEmpty();
  }

  @Test
  void aCheckpointThatIsTakenOverIsFlushedAsWell() {
    String bitmap;
    Backup copy;
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      writeSome(qemu, "vda");
      client.ensure(Barrier.NONE, "vda");
      Ensured second = client.ensure(Barrier.FLUSH, "vda");
      assertThat(second.adopted()).isTrue();
      bitmap = second.disks().getFirst().bitmap();
      copy = Backup.copyOf(image("vda"));
      writeSome(qemu, "vda");
      qemu.quit();
    }

    assertThat(copy.wrongBlocks(image("vda"), bitmap)).isEmpty();
  }

  // Openings

  @Test
  void afterARestartTheCopyStillRestoresExactly() {
    CheckpointDisk recorded;
    Backup copy;
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      recorded = client.ensure("vda").disks().getFirst();
      copy = Backup.copyOf(image("vda"));
      writeSome(qemu, "vda");
      qemu.quit();
    }
    try (Qemu qemu = sameDisk().start();
        Client client = Client.of(qemu)) {
      client.renew(plain(recorded));
      writeSome(qemu, "vda");
      qemu.quit();
    }

    assertThat(copy.wrongBlocks(image("vda"), recorded.bitmap())).isEmpty();
  }

  @Test
  void anImageThatWentBackInTimeWouldRestoreWronglyAndIsRefused() throws IOException {
    CheckpointDisk recorded;
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      recorded = client.ensure("vda").disks().getFirst();
      qemu.quit();
    }
    Path snapshot = Files.copy(image("vda"), image("snapshot"));
    Backup copy;
    String renewed;
    try (Qemu qemu = sameDisk().start();
        Client client = Client.of(qemu)) {
      renewed = Markers.openId(client.renew(plain(recorded)).getFirst()).orElseThrow();
      writeSome(qemu, "vda");
      qemu.hmp("qemu-io vda-node \"flush\"");
      copy = Backup.copyOf(image("vda"));
      qemu.quit();
    }
    Files.copy(snapshot, image("vda"), StandardCopyOption.REPLACE_EXISTING);

    try (Qemu qemu = sameDisk().start();
        Client client = Client.of(qemu)) {
      List<String> before = qemu.bitmaps("vda-node");
      assertThat(qemu.bitmap("vda-node", recorded.bitmap()).path("recording").asBoolean()).isTrue();

      assertThatThrownBy(
              () -> client.renew(new Renewal("vda", renewed, List.of(), List.of(), false)))
          .isInstanceOf(EpochMissing.class);
      assertThat(qemu.bitmaps("vda-node")).isEqualTo(before);
      qemu.quit();
    }
    assertThat(copy.wrongBlocks(image("vda"), recorded.bitmap())).isNotEmpty();
  }

  @Test
  void anImageThatIsPutBackAsItWasClosedRestoresExactlyAndIsRenewed() throws IOException {
    CheckpointDisk recorded;
    Backup copy;
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      recorded = client.ensure("vda").disks().getFirst();
      copy = Backup.copyOf(image("vda"));
      writeSome(qemu, "vda");
      qemu.quit();
    }
    Files.move(image("vda"), image("moved"));
    Files.copy(image("moved"), image("vda"));

    try (Qemu qemu = sameDisk().start();
        Client client = Client.of(qemu)) {
      assertThat(Markers.openId(client.renew(plain(recorded)).getFirst())).isPresent();
      writeSome(qemu, "vda");
      qemu.quit();
    }
    assertThat(copy.wrongBlocks(image("vda"), recorded.bitmap())).isEmpty();
  }

  // Layers

  @Test
  void aCarriedOverlayRestoresExactlyOnceItIsMerged() {
    CheckpointDisk recorded;
    Backup copy;
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      recorded = client.ensure("vda").disks().getFirst();
      copy = Backup.copyOf(image("vda"));
      writeSome(qemu, "vda");
      carry(qemu, "vda-node", "vda", "top");
      writeSome(qemu, "vda");
      client.renew(merging(recorded));
      writeSome(qemu, "vda");
      qemu.quit();
    }

    assertThat(copy.wrongBlocks(image("top"), recorded.bitmap())).isEmpty();
  }

  @Test
  void withoutTheMergeTheListOfACarriedOverlayIsWrong() {
    CheckpointDisk recorded;
    Backup copy;
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      recorded = client.ensure("vda").disks().getFirst();
      copy = Backup.copyOf(image("vda"));
      writeSome(qemu, "vda");
      carry(qemu, "vda-node", "vda", "top");
      writeSome(qemu, "vda");
      client.renew(plain(recorded));
      qemu.quit();
    }

    assertThat(copy.wrongBlocks(image("top"), recorded.bitmap())).isNotEmpty();
  }

  @Test
  void theMergedListOutlivesTheLayersBelow() {
    CheckpointDisk recorded;
    Backup copy;
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      recorded = client.ensure("vda").disks().getFirst();
      copy = Backup.copyOf(image("vda"));
      writeSome(qemu, "vda");
      carry(qemu, "vda-node", "vda", "mid");
      writeSome(qemu, "vda");
      carry(qemu, "mid", "mid", "top");
      client.renew(merging(recorded));
      Layers.stream(qemu, "top");
      writeSome(qemu, "vda");
      qemu.quit();
    }

    assertThat(copy.wrongBlocks(image("top"), recorded.bitmap())).isEmpty();
  }

  @Test
  void aCarriedOverlayThatIsCommittedRestoresExactly() {
    CheckpointDisk recorded;
    Backup copy;
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      recorded = client.ensure("vda").disks().getFirst();
      copy = Backup.copyOf(image("vda"));
      writeSome(qemu, "vda");
      carry(qemu, "vda-node", "vda", "top");
      client.renew(merging(recorded));
      writeSome(qemu, "vda");
      Layers.commit(qemu, "top");
      writeSome(qemu, "vda");
      qemu.quit();
    }

    assertThat(copy.wrongBlocks(image("vda"), recorded.bitmap())).isEmpty();
  }

  @Test
  void ofTwoOverlaysMergedAtOnceTheLowerIsExactOnceItIsMergedAfterACommit() {
    CheckpointDisk recorded;
    Backup copy;
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      recorded = client.ensure("vda").disks().getFirst();
      copy = Backup.copyOf(image("vda"));
      writeSome(qemu, "vda");
      carry(qemu, "vda-node", "vda", "mid");
      writeSome(qemu, "vda");
      carry(qemu, "mid", "mid", "top");
      client.renew(merging(recorded));
      writeSome(qemu, "vda");
      Layers.commitOnto(qemu, "top", "mid");
      client.renew(merging(recorded));
      writeSome(qemu, "vda");
      qemu.quit();
    }

    assertThat(copy.wrongBlocks(image("mid"), recorded.bitmap())).isEmpty();
  }

  @Test
  void aPlainOverlayThatIsCommittedRestoresExactly() {
    CheckpointDisk recorded;
    Backup copy;
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      recorded = client.ensure("vda").disks().getFirst();
      copy = Backup.copyOf(image("vda"));
      writeSome(qemu, "vda");
      Layers.snapshot(qemu, "vda-node", "top", Layers.overlay(image("top"), image("vda")));
      writeSome(qemu, "vda");
      Layers.commit(qemu, "top");
      writeSome(qemu, "vda");
      qemu.quit();
    }

    assertThat(copy.wrongBlocks(image("vda"), recorded.bitmap())).isEmpty();
  }

  /** Completed writes, each at a random place, 4 KiB to 128 KiB long. */
  private void writeSome(Qemu qemu, String disk) {
    for (int i = 0; i < 20; i++) {
      int offset = random.nextInt((16 << 20) / 4096 - 32) * 4096;
      int length = (1 + random.nextInt(32)) * 4096;
      qemu.guestWrites(
          disk, 1 + random.nextInt(255), Integer.toString(offset), Integer.toString(length));
    }
  }

  private static Renewal plain(CheckpointDisk recorded) {
    return new Renewal(recorded.name(), recorded.epoch(), List.of(), List.of(), false);
  }

  private static Renewal merging(CheckpointDisk recorded) {
    return new Renewal(
        recorded.name(), recorded.epoch(), List.of(recorded.bitmap()), List.of(), false);
  }

  private void carry(Qemu qemu, String node, String below, String overlay) {
    Layers.snapshotCarryingBitmaps(
        qemu, node, overlay, Layers.overlay(image(overlay), image(below)));
  }

  private Qemu.Builder oneDisk() {
    Tool.qcow2(image("vda"));
    return sameDisk();
  }

  private Qemu.Builder oneDiskInIoThread() {
    return Qemu.in(dir)
        .stopped()
        .with("-object", "iothread,id=io")
        .node("vda-node", Tool.qcow2(image("vda")))
        .device("vda", "vda-node", "iothread=io");
  }

  private Qemu.Builder sameDisk() {
    return Qemu.in(dir).stopped().disk("vda", image("vda"));
  }

  private Path image(String name) {
    return dir.resolve(name + ".qcow2");
  }
}
