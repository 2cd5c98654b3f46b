package dev.vmcheckpoint.sidecar;

import static dev.vmcheckpoint.sidecar.fixture.Failures.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.node.Barrier;
import dev.vmcheckpoint.node.CheckpointUid;
import dev.vmcheckpoint.node.EnsureRequest;
import dev.vmcheckpoint.node.EnsureResponse;
import dev.vmcheckpoint.node.ErrorCode;
import dev.vmcheckpoint.node.PodUid;
import dev.vmcheckpoint.node.RemoveResponse;
import dev.vmcheckpoint.qmp.fixture.Qemu;
import dev.vmcheckpoint.qmp.fixture.Tool;
import dev.vmcheckpoint.sidecar.fixture.FakeMonitor;
import dev.vmcheckpoint.sidecar.fixture.MonitorProxy;
import dev.vmcheckpoint.sidecar.fixture.PodsDirectory;
import dev.vmcheckpoint.sidecar.fixture.RunningSidecar;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The connection to a real QEMU breaks when a change was made and before its reply was read. */
final class BrokenConnectionIT {
  private static final PodUid VM = new PodUid("a1");
  private static final CheckpointUid CHECKPOINT = new CheckpointUid("c1");

  private final PodsDirectory pods = PodsDirectory.create();
  private final RunningSidecar sidecar = RunningSidecar.start(pods);
  private final Path elsewhere = pods.volume(new PodUid("e1"));
  private final Qemu qemu =
      Qemu.in(elsewhere)
          .disk("vda", Tool.qcow2(elsewhere.resolve("a.qcow2")))
          .disk("vdb", Tool.qcow2(elsewhere.resolve("b.qcow2")))
          .start();

  @AfterEach
  void stop() {
    qemu.close();
    sidecar.close();
    pods.close();
  }

  private FakeMonitor monitor(FakeMonitor.Script script) throws IOException {
    Files.deleteIfExists(pods.socket(VM));
    return FakeMonitor.at(pods.socket(VM), script);
  }

  private EnsureResponse ensure() {
    return sidecar
        .api()
        .ensureCheckpoint(
            VM,
            CHECKPOINT,
            new EnsureRequest(List.of("vda", "vdb"), Optional.empty(), Barrier.Flush),
            sidecar.leader());
  }

  private RemoveResponse remove() {
    return sidecar.api().removeCheckpoint(VM, CHECKPOINT, sidecar.leader());
  }

  @Test
  void aCreationWhoseReplyIsLostIsUnknownAndThenTakenOver() throws IOException {
    try (FakeMonitor _ = monitor(MonitorProxy.breakingAfter("transaction", qemu.socket()))) {
      assertRefused(ErrorCode.OutcomeUnknown, this::ensure);
    }
    List<String> made = qemu.bitmaps("vda-node");

    try (FakeMonitor _ = monitor(MonitorProxy.to(qemu.socket()))) {
      EnsureResponse second = ensure();

      assertThat(second.adopted()).isTrue();
      assertThat(made).contains(second.disks().getFirst().bitmap());
    }
  }

  @Test
  void aRemovalWhoseReplyIsLostIsUnknownAndThenDone() throws IOException {
    try (FakeMonitor _ = monitor(MonitorProxy.to(qemu.socket()))) {
      ensure();
    }
    try (FakeMonitor _ =
        monitor(MonitorProxy.breakingAfter("block-dirty-bitmap-remove", qemu.socket()))) {
      assertRefused(ErrorCode.OutcomeUnknown, this::remove);
    }
    try (FakeMonitor _ = monitor(MonitorProxy.to(qemu.socket()))) {
      remove();
    }
    assertThat(qemu.bitmaps("vda-node")).isEmpty();
    assertThat(qemu.bitmaps("vdb-node")).isEmpty();
  }
}
