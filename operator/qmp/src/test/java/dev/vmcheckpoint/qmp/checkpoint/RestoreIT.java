package dev.vmcheckpoint.qmp.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.qmp.fixture.Backup;
import dev.vmcheckpoint.qmp.fixture.Qemu;
import dev.vmcheckpoint.qmp.fixture.Tool;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a checkpoint is for: a copy of the image file that is made once the checkpoint is there,
 * together with the blocks that it lists, is the disk byte for byte.
 *
 * <p>The guest never flushes: its writes complete, and what says where they are stays in QEMU's
 * caches for as long as QEMU likes.
 */
@Timeout(120)
final class RestoreIT {
  @TempDir Path dir;

  private final Random random = new Random(20231);

  @Test
  void aCopyMadeRightAfterTheCheckpointRestoresExactly() {
    String bitmap;
    Backup copy;
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      writeSome(qemu, "vda");
      bitmap = bitmap(client.ensure(Barrier.FLUSH, "vda"));
      copy = Backup.copyOf(image("vda"));
      writeSome(qemu, "vda");
      qemu.quit();
    }

    assertThat(copy.wrongBlocks(image("vda"), bitmap)).isEmpty();
  }

  @Test
  void withoutTheFlushTheSameCopyIsWrong() {
    String bitmap;
    Backup copy;
    try (Qemu qemu = oneDisk().start();
        Client client = Client.of(qemu)) {
      writeSome(qemu, "vda");
      bitmap = bitmap(client.ensure(Barrier.NONE, "vda"));
      copy = Backup.copyOf(image("vda"));
      writeSome(qemu, "vda");
      qemu.quit();
    }

    assertThat(copy.wrongBlocks(image("vda"), bitmap)).isNotEmpty();
  }

  private void writeSome(Qemu qemu, String disk) {
    for (int i = 0; i < 20; i++) {
      int offset = random.nextInt((16 << 20) / 4096 - 32) * 4096;
      int length = (1 + random.nextInt(32)) * 4096;
      qemu.guestWrites(
          disk, 1 + random.nextInt(255), Integer.toString(offset), Integer.toString(length));
    }
  }

  private static String bitmap(Ensured ensured) {
    return ensured.disks().getFirst().bitmap();
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
