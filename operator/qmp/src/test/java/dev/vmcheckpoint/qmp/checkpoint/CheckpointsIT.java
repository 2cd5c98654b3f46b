package dev.vmcheckpoint.qmp.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.qmp.Deadline;
import dev.vmcheckpoint.qmp.QmpConnection;
import dev.vmcheckpoint.qmp.Timeouts;
import dev.vmcheckpoint.qmp.fixture.Qemu;
import dev.vmcheckpoint.qmp.fixture.Tool;
import dev.vmcheckpoint.qmp.flush.MonitorVolume;
import dev.vmcheckpoint.qmp.flush.NodeFlusher;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class CheckpointsIT {
  @TempDir Path dir;

  @Test
  void smoke() {
    Tool.qcow2(dir.resolve("a.qcow2"));
    Tool.qcow2(dir.resolve("b.qcow2"));
    try (Qemu q =
        Qemu.in(dir)
            .disk("vda", dir.resolve("a.qcow2"))
            .disk("vdb", dir.resolve("b.qcow2"))
            .start()) {
      CheckpointUid uid = new CheckpointUid("0a1b2c3d-0000-0000-0000-000000000001");
      try (QmpConnection c = QmpConnection.open(q.connect(), Duration.ofSeconds(5))) {
        Checkpoints cp =
            new Checkpoints(
                c,
                new NodeFlusher(c, MonitorVolume.of(q.socket()), Timeouts.DEFAULT),
                Timeouts.DEFAULT);
        Deadline d = Deadline.after(Duration.ofSeconds(30));
        for (int i = 0; i < 3; i++) {
          long t = System.nanoTime();
          System.out.println(
              cp.ensure(uid, List.of("vda", "vdb"), OptionalLong.empty(), Barrier.FLUSH, d));
          System.out.println((System.nanoTime() - t) / 1000);
        }
        System.out.println(q.bitmaps("vda-node"));
        System.out.println(q.qmp("query-block-exports", "{}"));
        System.out.println(cp.remove(uid, d));
        System.out.println(q.bitmaps("vda-node"));
        assertThat(q.log()).isEmpty();
      }
    }
  }
}
