package dev.vmcheckpoint.sidecar.machine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.node.NodeApiException;
import dev.vmcheckpoint.node.PodUid;
import dev.vmcheckpoint.qmp.QmpConnection;
import dev.vmcheckpoint.qmp.QmpException;
import dev.vmcheckpoint.qmp.fixture.Tool;
import dev.vmcheckpoint.sidecar.fixture.Exchange;
import dev.vmcheckpoint.sidecar.fixture.FakeMonitor;
import dev.vmcheckpoint.sidecar.fixture.PodsDirectory;
import dev.vmcheckpoint.sidecar.fixture.Stranger;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * An entry on the way to the monitor, any of those below the pods directory, changes places with
 * something else, as fast as it can, while a sidecar connects; {@code -Dswaps} times. Runs as root,
 * as one bait is handed to another user.
 */
final class SwappedEntryIT {
  private static final int SWAPS = Integer.getInteger("swaps", 50_000);
  private static final PodUid VM = new PodUid("a1");
  private static final PodUid OTHER = new PodUid("b2");
  private static final Duration LONG = Duration.ofSeconds(20);

  private final PodsDirectory pods = PodsDirectory.create();
  private final Stranger stranger = Stranger.at(pods.socket(OTHER));

  @AfterEach
  void stop() {
    stranger.close();
    pods.close();
  }

  /** What is laid in place of an entry, which is named from the volume on. */
  enum Bait {
    LINK_TO_A_SOCKET("qmp.sock") {
      @Override
      void lay(Path bait, Stranger stranger) throws IOException {
        Files.createSymbolicLink(bait, stranger.socket());
      }
    },
    LINK_TO_A_DIRECTORY("qmp.sock") {
      @Override
      void lay(Path bait, Stranger stranger) throws IOException {
        Files.createSymbolicLink(bait, stranger.socket().getParent());
      }
    },
    HARD_LINK_TO_A_SOCKET("qmp.sock") {
      @Override
      void lay(Path bait, Stranger stranger) throws IOException {
        Files.createLink(bait, stranger.socket());
      }
    },
    /** Moved here and handed over, so that it has one name, and the volume's owner. */
    SOCKET_OF_ANOTHER_USER("qmp.sock") {
      @Override
      void lay(Path bait, Stranger stranger) throws IOException {
        Files.move(stranger.socket(), bait);
        Files.setAttribute(bait, "unix:uid", 4242);
      }
    },
    FILE("qmp.sock") {
      @Override
      void lay(Path bait, Stranger stranger) throws IOException {
        Files.createFile(bait);
      }
    },
    FIFO("qmp.sock") {
      @Override
      void lay(Path bait, Stranger stranger) {
        Tool.run("mkfifo", bait.toString());
      }
    },
    DIRECTORY("qmp.sock") {
      @Override
      void lay(Path bait, Stranger stranger) throws IOException {
        Files.createDirectory(bait);
      }
    },
    LINK_TO_A_VOLUME("") {
      @Override
      void lay(Path bait, Stranger stranger) throws IOException {
        Files.createSymbolicLink(bait, stranger.socket().getParent());
      }
    },
    LINK_TO_ANOTHERS_EMPTY_DIRS("..") {
      @Override
      void lay(Path bait, Stranger stranger) throws IOException {
        Files.createSymbolicLink(bait, stranger.socket().resolve("../..").normalize());
      }
    },
    LINK_TO_ANOTHERS_VOLUMES("../..") {
      @Override
      void lay(Path bait, Stranger stranger) throws IOException {
        Files.createSymbolicLink(bait, stranger.socket().resolve("../../..").normalize());
      }
    },
    LINK_TO_ANOTHER_POD("../../..") {
      @Override
      void lay(Path bait, Stranger stranger) throws IOException {
        Files.createSymbolicLink(bait, stranger.socket().resolve("../../../..").normalize());
      }
    };

    private final String entry;

    Bait(String entry) {
      this.entry = entry;
    }

    abstract void lay(Path bait, Stranger stranger) throws IOException;
  }

  @ParameterizedTest
  @EnumSource
  void noByteReachesAnother(Bait bait) throws Exception {
    try (FakeMonitor _ = FakeMonitor.healthy(pods.socket(VM))) {
      Path entry = pods.volume(VM).resolve(bait.entry).normalize();
      Path laid = entry.resolveSibling("bait");
      bait.lay(laid, stranger);
      long swaps = 0;
      int talks = 0;
      int refusals = 0;
      try (Exchange exchange = new Exchange(entry, laid)) {
        CompletableFuture<?> swapping = CompletableFuture.runAsync(() -> swap(exchange));
        while (!swapping.isDone() || talks == 0 || refusals == 0) {
          if (talk()) {
            talks++;
          } else {
            refusals++;
          }
          if (swapping.isDone()) {
            exchange.swap();
            swaps++;
          }
        }
        swapping.get();
      }

      System.out.printf(
          "FIGURE %s: %d swaps, %d talks with the monitor, %d refusals, %d bytes to another%n",
          bait, SWAPS + swaps, talks, refusals, stranger.bytesHeard());
      assertThat(stranger.bytesHeard()).isZero();
    }
  }

  private static void swap(Exchange exchange) {
    for (int i = 0; i < SWAPS; i++) {
      exchange.swap();
    }
  }

  /** Whether there was somebody to talk to; a stranger would hear of it. */
  private boolean talk() {
    try (PodVolume volume = PodVolume.open(pods.path(), VM);
        QmpConnection _ = QmpConnection.open(volume.connectToMonitor(), LONG)) {
      return true;
    } catch (NodeApiException.Answered | QmpException.ConnectionLost e) {
      return false;
    }
  }
}
