package dev.vmcheckpoint.qmp.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.BitmapBusy;
import dev.vmcheckpoint.qmp.checkpoint.Removal.Below;
import dev.vmcheckpoint.qmp.checkpoint.Removal.Removed;
import dev.vmcheckpoint.qmp.fixture.Layers;
import dev.vmcheckpoint.qmp.fixture.Qemu;
import dev.vmcheckpoint.qmp.fixture.Tool;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** One bitmap goes, and nothing else of its checkpoint does. */
@Timeout(60)
final class SingleDeletionIT {
  private static final CheckpointUid OTHER = new CheckpointUid("0b");

  @TempDir Path dir;

  @Test
  void theOtherDisksOfTheCheckpointKeepTheirs() {
    try (Qemu qemu = twoDisks().start();
        Client client = Client.of(qemu)) {
      Ensured ensured = client.ensure("vda", "vdb");
      String vda = ensured.disks().getFirst().bitmap();
      List<String> onVdb = qemu.bitmaps("vdb-node");

      assertThat(client.removeOne(vda))
          .isEqualTo(new Removal(List.of(new Removed("vda", vda)), List.of()));

      assertThat(qemu.bitmaps("vda-node")).isEmpty();
      assertThat(qemu.bitmaps("vdb-node")).isEqualTo(onVdb);
    }
  }

  @Test
  void theMarkersStayForAnotherCheckpointOfTheDisk() {
    try (Qemu qemu = twoDisks().start();
        Client client = Client.of(qemu)) {
      String own = client.ensure("vda").disks().getFirst().bitmap();
      client.ensure(OTHER, OptionalLong.empty(), Barrier.FLUSH, "vda");
      List<String> before = qemu.bitmaps("vda-node");

      client.removeOne(own);

      assertThat(qemu.bitmaps("vda-node"))
          .containsExactlyInAnyOrderElementsOf(
              before.stream().filter(name -> !name.equals(own)).toList());
    }
  }

  @Test
  void whatAKillLeftGoesWithItsMarkers() {
    String lost;
    try (Qemu qemu = twoDisks().start();
        Client client = Client.of(qemu)) {
      lost = client.ensure("vda").disks().getFirst().bitmap();
      qemu.quit();
    }
    try (Qemu qemu = sameDisks().start()) {
      qemu.process().destroyForcibly().onExit().join();
    }

    try (Qemu qemu = sameDisks().start();
        Client client = Client.of(qemu)) {
      assertThat(client.removeOne(lost).removed()).containsExactly(new Removed("vda", lost));
      assertThat(qemu.bitmaps("vda-node")).isEmpty();
    }
  }

  @Test
  void itGoesFromTheDeviceThatHasItNow() {
    String bitmap;
    try (Qemu qemu = twoDisks().start();
        Client client = Client.of(qemu)) {
      bitmap = client.ensure("vda").disks().getFirst().bitmap();
      qemu.quit();
    }

    try (Qemu qemu =
            Qemu.in(dir).stopped().disk("vda", image("vdb")).disk("vdb", image("vda")).start();
        Client client = Client.of(qemu)) {
      assertThat(client.removeOne(bitmap).removed()).containsExactly(new Removed("vdb", bitmap));
    }
  }

  @Test
  void oneInALowerLayerIsReportedAndStays() {
    try (Qemu qemu = twoDisks().start();
        Client client = Client.of(qemu)) {
      String bitmap = client.ensure("vda").disks().getFirst().bitmap();
      Layers.snapshot(qemu, "vda-node", "top", Layers.overlay(image("top"), image("vda")));

      assertThat(client.removeOne(bitmap))
          .isEqualTo(
              new Removal(List.of(), List.of(new Below("vda", image("vda").toString(), bitmap))));
      assertThat(client.changes()).doesNotContain("block-dirty-bitmap-remove");
    }
  }

  @Test
  void oneThatIsNotThereIsRemovedAlready() {
    try (Qemu qemu = twoDisks().start();
        Client client = Client.of(qemu)) {
      String bitmap = client.ensure("vda").disks().getFirst().bitmap();
      client.removeOne(bitmap);

      assertThat(client.removeOne(bitmap)).isEqualTo(new Removal(List.of(), List.of()));
    }
  }

  @Test
  void oneThatIsInUseStays() {
    try (Qemu qemu =
            Qemu.in(dir)
                .stopped()
                .node("vda-node", Tool.qcow2(image("vda")))
                .device("vda", "vda-node", "share-rw=on")
                .start();
        Client client = Client.of(qemu)) {
      String bitmap = client.ensure("vda").disks().getFirst().bitmap();
      qemu.exports("vda-node", bitmap);

      assertThatThrownBy(() -> client.removeOne(bitmap)).isInstanceOf(BitmapBusy.class);
      assertThat(qemu.bitmaps("vda-node")).hasSize(3);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"vmcp-0b.1.vda", "vmcp-epoch.1", "foreign", ""})
  void onlyABitmapOfTheCheckpointIsTaken(String name) {
    try (Qemu qemu = twoDisks().start();
        Client client = Client.of(qemu)) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> client.removeOne(name))
          .withMessage("the bitmap %s is not of checkpoint %s", name, Client.UID);
    }
  }

  private Qemu.Builder twoDisks() {
    Tool.qcow2(image("vda"));
    Tool.qcow2(image("vdb"));
    return sameDisks();
  }

  private Qemu.Builder sameDisks() {
    return Qemu.in(dir).stopped().disk("vda", image("vda")).disk("vdb", image("vdb"));
  }

  private Path image(String name) {
    return dir.resolve(name + ".qcow2");
  }
}
