package dev.vmcheckpoint.qmp.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.vmcheckpoint.qmp.Deadline;
import dev.vmcheckpoint.qmp.QmpConnection;
import dev.vmcheckpoint.qmp.QmpException;
import dev.vmcheckpoint.qmp.Timeouts;
import dev.vmcheckpoint.qmp.fixture.Monitor;
import dev.vmcheckpoint.qmp.fixture.Qemu;
import dev.vmcheckpoint.qmp.fixture.Tool;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Looks while other tools take layers out of a backing chain: QEMU lives. */
@Timeout(60)
final class LayerJobsIT {
  @TempDir Path dir;

  /** Node names of the layers, top last. */
  private final List<String> layers = new ArrayList<>(List.of("layer0"));

  private int snapshots;

  // Streams

  @Test
  void aStreamThatRunsIsNotLookedAt() {
    try (Qemu qemu = qemu().start()) {
      snapshot(qemu);
      stream(qemu, 65536);

      assertThatThrownBy(() -> Monitor.observe(qemu))
          .isInstanceOf(QmpException.Unsafe.class)
          .hasMessageContaining("the stream job job (running)");
    }
  }

  @Test
  void aStreamThatHasEndedIsNotLookedAtBeforeItIsDismissed() {
    try (Qemu qemu = qemu().start()) {
      snapshot(qemu);
      stream(qemu, 0);
      awaitJob(qemu, "concluded");

      assertThatThrownBy(() -> Monitor.observe(qemu))
          .isInstanceOf(QmpException.Unsafe.class)
          .hasMessageContaining("the stream job job (concluded)");

      dismiss(qemu);
      assertThat(Monitor.disk(qemu, "vda").backing()).isEmpty();
    }
  }

  @Test
  void aStreamThatWasCancelledIsNotLookedAtBeforeItIsDismissed() {
    try (Qemu qemu = qemu().start()) {
      snapshot(qemu);
      stream(qemu, 65536);
      qemu.qmp("job-cancel", "{\"id\": \"job\"}");
      awaitJob(qemu, "concluded");

      assertThatThrownBy(() -> Monitor.observe(qemu)).isInstanceOf(QmpException.Unsafe.class);

      dismiss(qemu);
      assertThat(Monitor.disk(qemu, "vda").backing()).hasSize(1);
    }
  }

  @Test
  void looksThatNeverPauseSurviveStreams() {
    try (Qemu qemu = qemu().start();
        Looks looks = Looks.at(qemu)) {
      for (int round = 0; round < 15; round++) {
        snapshot(qemu);
        stream(qemu, 16 << 20);
        awaitJob(qemu, "concluded");
        looks.awaitMore();
        dismiss(qemu);
        layers.removeFirst();
        looks.awaitMore();
      }

      looks.assertOfBothKinds();
    }
  }

  // Commits

  @Test
  void aCommitThatRunsIsNotLookedAt() {
    try (Qemu qemu = qemu().start()) {
      snapshot(qemu);
      snapshot(qemu);
      commitTheLayerBelowTheTop(qemu, 65536);

      assertThatThrownBy(() -> Monitor.observe(qemu))
          .isInstanceOf(QmpException.Unsafe.class)
          .hasMessageContaining("the commit job job (running)");
    }
  }

  @Test
  void aCommitOfTheTopIsLookedAtOnceItIsReady() {
    try (Qemu qemu = qemu().start()) {
      snapshot(qemu);
      qemu.qmp("block-commit", "{\"job-id\": \"job\", \"device\": \"layer1\"}");
      awaitJob(qemu, "ready");

      assertThat(Monitor.disk(qemu, "vda").blockNode()).isEqualTo("layer1");
    }
  }

  @Test
  void looksThatNeverPauseSurviveCommitsOfLayersWithStoredBitmaps() {
    try (Qemu qemu = qemu().start();
        Looks looks = Looks.at(qemu)) {
      snapshot(qemu);
      for (int round = 0; round < 50; round++) {
        snapshot(qemu);
        commitTheLayerBelowTheTop(qemu, 8 << 20);
        awaitJob(qemu, "");
        layers.remove(1);
        looks.awaitMore();
      }

      looks.assertOfBothKinds();
    }
  }

  private Qemu.Builder qemu() {
    Path image = Tool.qcow2(dir.resolve("vda.qcow2"));
    Tool.run("qemu-io", "-c", "write 0 4M", image.toString());
    return Qemu.in(dir)
        .stopped()
        .with("-drive", "if=none,id=d,format=qcow2,node-name=layer0,file=" + image)
        .device("vda", "d");
  }

  /**
   * Puts an overlay on top, which has a bitmap; that of the layer below is stored then. QEMU closes
   * these layers by itself, for nobody added them by {@code blockdev-add}.
   */
  private void snapshot(Qemu qemu) {
    snapshots++;
    String overlay = "layer" + snapshots;
    qemu.qmp(
        "blockdev-snapshot-sync",
        """
        {"node-name": "%s", "snapshot-node-name": "%s", "format": "qcow2", "snapshot-file": "%s"}
        """
            .formatted(layers.getLast(), overlay, dir.resolve(overlay + ".qcow2")));
    qemu.qmp(
        "block-dirty-bitmap-add",
        "{\"node\": \"%s\", \"name\": \"kept\", \"persistent\": true}".formatted(overlay));
    qemu.guestWrites("vda", 1, "0", "1M");
    layers.add(overlay);
  }

  /** Begins to copy all that is below into the layer on top. */
  private void stream(Qemu qemu, int bytesPerSecond) {
    qemu.qmp(
        "block-stream",
        "{\"job-id\": \"job\", \"device\": \"%s\", \"speed\": %d, \"auto-dismiss\": false}"
            .formatted(layers.getLast(), bytesPerSecond));
  }

  private void commitTheLayerBelowTheTop(Qemu qemu, int bytesPerSecond) {
    qemu.qmp(
        "block-commit",
        """
        {"job-id": "job", "device": "%s", "top-node": "%s", "base-node": "%s", "speed": %d}
        """
            .formatted(layers.getLast(), layers.get(1), layers.get(0), bytesPerSecond));
  }

  /** Waits for a status of the job; an empty one means that it is gone. */
  private static void awaitJob(Qemu qemu, String status) {
    await(
        () -> {
          JsonNode job = qemu.qmp("query-jobs", "{}").path(0);
          return job.path("status").asText("").equals(status);
        });
  }

  private static void dismiss(Qemu qemu) {
    qemu.qmp("job-dismiss", "{\"id\": \"job\"}");
  }

  private static void await(Callable<Boolean> condition) {
    Awaitility.await()
        .pollDelay(Duration.ZERO)
        .pollInterval(Duration.ofMillis(5))
        .atMost(Duration.ofSeconds(20))
        .until(condition);
  }

  /** Looks at a QEMU again and again, one look at once after the other. */
  private static final class Looks implements AutoCloseable {
    private final AtomicInteger made = new AtomicInteger();
    private final AtomicInteger refused = new AtomicInteger();
    private final QmpConnection connection;
    private final CompletableFuture<Void> ended;

    private Looks(QmpConnection connection) {
      this.connection = connection;
      this.ended = CompletableFuture.runAsync(this::look, Thread::startVirtualThread);
    }

    static Looks at(Qemu qemu) {
      return new Looks(QmpConnection.open(qemu.connect(), Duration.ofSeconds(20)));
    }

    private void look() {
      Machine machine = new Machine(connection, Timeouts.DEFAULT);
      while (true) {
        try {
          machine.observe(Deadline.after(Duration.ofSeconds(20)));
          made.incrementAndGet();
        } catch (QmpException.Unsafe e) {
          refused.incrementAndGet();
        }
      }
    }

    /** Waits until one look has begun and ended since. */
    void awaitMore() {
      int before = made.get() + refused.get();
      await(
          () -> {
            assertThat(ended).as("looks, as QEMU lives").isNotDone();
            return made.get() + refused.get() >= before + 2;
          });
    }

    void assertOfBothKinds() {
      assertThat(made).hasPositiveValue();
      assertThat(refused).hasPositiveValue();
    }

    @Override
    public void close() {
      connection.close();
      ended.exceptionally(closed -> null).join();
    }
  }
}
