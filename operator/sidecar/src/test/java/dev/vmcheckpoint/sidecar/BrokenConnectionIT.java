package dev.vmcheckpoint.sidecar;

import static dev.vmcheckpoint.sidecar.fixture.Failures.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.node.Barrier;
import dev.vmcheckpoint.node.CheckpointUid;
import dev.vmcheckpoint.node.EnsureRequest;
import dev.vmcheckpoint.node.EnsureResponse;
import dev.vmcheckpoint.node.EnsureResponse.CheckpointDisk;
import dev.vmcheckpoint.node.EpochRequest;
import dev.vmcheckpoint.node.ErrorCode;
import dev.vmcheckpoint.node.MutationContext;
import dev.vmcheckpoint.node.PodUid;
import dev.vmcheckpoint.node.RemoveResponse;
import dev.vmcheckpoint.qmp.fixture.Layers;
import dev.vmcheckpoint.qmp.fixture.Qemu;
import dev.vmcheckpoint.qmp.fixture.Tool;
import dev.vmcheckpoint.sidecar.fixture.FakeMonitor;
import dev.vmcheckpoint.sidecar.fixture.MonitorProxy;
import dev.vmcheckpoint.sidecar.fixture.PodsDirectory;
import dev.vmcheckpoint.sidecar.fixture.RunningSidecar;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A real QEMU makes a change, and its reply is not read: it breaks off, is rubbish, or late. */
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
            new EnsureRequest(
                List.of("vda", "vdb"), Optional.empty(), Barrier.Flush, Optional.empty()),
            context());
  }

  private RemoveResponse remove() {
    return sidecar.api().removeCheckpoint(VM, CHECKPOINT, context());
  }

  /** With a deadline that a reply can be too late for. */
  private MutationContext context() {
    return sidecar.leader(1, Duration.ofSeconds(5));
  }

  /** What can happen to a reply. */
  enum Reply {
    BROKEN_OFF,
    RUBBISH,
    LATE;

    private FakeMonitor.Script to(String command, Path monitor) {
      return switch (this) {
        case BROKEN_OFF -> MonitorProxy.breakingAfter(command, monitor);
        case RUBBISH -> MonitorProxy.garbling(command, monitor);
        case LATE -> MonitorProxy.silentAfter(command, monitor);
      };
    }
  }

  @ParameterizedTest
  @EnumSource
  void aCreationWhoseReplyIsLostIsUnknownAndThenTakenOver(Reply reply) throws IOException {
    try (FakeMonitor _ = monitor(reply.to("transaction", qemu.socket()))) {
      assertRefused(ErrorCode.OutcomeUnknown, this::ensure);
    }
    List<String> made = qemu.bitmaps("vda-node");

    try (FakeMonitor _ = monitor(MonitorProxy.to(qemu.socket()))) {
      EnsureResponse second = ensure();

      assertThat(second.adopted()).isTrue();
      assertThat(made).contains(second.disks().getFirst().bitmap());
    }
    assertThat(qemu.bitmaps("vda-node")).containsExactlyElementsOf(made);
  }

  @Test
  void aRenewalWhoseReplyIsLostIsUnknownAndThenDone() throws IOException {
    CheckpointDisk recorded;
    try (FakeMonitor _ = monitor(MonitorProxy.to(qemu.socket()))) {
      recorded = ensure().disks().getFirst();
    }
    Layers.snapshotCarryingBitmaps(
        qemu,
        "vda-node",
        "top",
        Layers.overlay(elsewhere.resolve("top.qcow2"), elsewhere.resolve("a.qcow2")));
    EpochRequest request =
        new EpochRequest(
            List.of(
                new EpochRequest.Disk(
                    "vda", recorded.epoch(), List.of(recorded.bitmap()), List.of(), false)));
    for (String command : List.of("block-dirty-bitmap-add", "block-dirty-bitmap-merge")) {
      try (FakeMonitor _ = monitor(MonitorProxy.breakingAfter(command, qemu.socket()))) {
        assertRefused(
            ErrorCode.OutcomeUnknown,
            () -> sidecar.api().renewEpoch(VM, request, sidecar.leader()));
      }
    }

    try (FakeMonitor _ = monitor(MonitorProxy.to(qemu.socket()))) {
      sidecar.api().renewEpoch(VM, request, sidecar.leader());
    }
    assertThat(qemu.bitmaps("top")).filteredOn(name -> name.startsWith("vmcp-open.")).hasSize(1);
  }

  @ParameterizedTest
  @EnumSource
  void aRemovalWhoseReplyIsLostIsUnknownAndThenDone(Reply reply) throws IOException {
    try (FakeMonitor _ = monitor(MonitorProxy.to(qemu.socket()))) {
      ensure();
    }
    try (FakeMonitor _ = monitor(reply.to("block-dirty-bitmap-remove", qemu.socket()))) {
      assertRefused(ErrorCode.OutcomeUnknown, this::remove);
    }
    try (FakeMonitor _ = monitor(MonitorProxy.to(qemu.socket()))) {
      remove();
    }
    assertThat(qemu.bitmaps("vda-node")).isEmpty();
    assertThat(qemu.bitmaps("vdb-node")).isEmpty();
  }
}
