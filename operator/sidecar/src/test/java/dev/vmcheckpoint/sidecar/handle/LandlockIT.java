package dev.vmcheckpoint.sidecar.handle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vmcheckpoint.node.PodUid;
import dev.vmcheckpoint.sidecar.fixture.FakeMonitor;
import dev.vmcheckpoint.sidecar.fixture.PodsDirectory;
import dev.vmcheckpoint.sidecar.fixture.Threads;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What a thread can still do after it has closed the pods directory to itself. All of it is open to
 * it otherwise: the files are its own.
 */
final class LandlockIT {
  private static final PodUid VM = new PodUid("a1");

  private final PodsDirectory pods = PodsDirectory.create();
  private final Path secret = pods.volume(VM).resolve("token");
  private final Path elsewhere = pods.beside("elsewhere");

  @BeforeEach
  void makeFiles() throws IOException {
    Files.writeString(secret, "secret");
    Files.writeString(elsewhere, "for all");
  }

  @AfterEach
  void remove() {
    pods.close();
  }

  private <T> T confined(Callable<T> action) throws Throwable {
    return Threads.result(
        Threads.startOnKernelThread(
            () -> {
              assertThat(Landlock.closeBelow(pods.path())).isTrue();
              return action.call();
            }));
  }

  @Test
  void itReadsNoFileOfAPod() {
    assertThatThrownBy(() -> confined(() -> Files.readString(secret)))
        .isInstanceOf(AccessDeniedException.class);
  }

  @Test
  void itWritesNoFileOfAPod() {
    assertThatThrownBy(() -> confined(() -> Files.writeString(secret, "changed")))
        .isInstanceOf(AccessDeniedException.class);
    assertThat(secret).hasContent("secret");
  }

  @Test
  void itRemovesNoFileOfAPod() {
    assertThatThrownBy(
            () ->
                confined(
                    () -> {
                      Files.delete(secret);
                      return "deleted";
                    }))
        .isInstanceOf(AccessDeniedException.class);
    assertThat(secret).exists();
  }

  @Test
  void itListsNoDirectoryOfAPod() {
    assertThatThrownBy(
            () ->
                confined(
                    () -> {
                      try (Stream<Path> files = Files.list(pods.volume(VM))) {
                        return files.toList();
                      }
                    }))
        .isInstanceOf(AccessDeniedException.class);
  }

  @Test
  void itWritesNoFileElsewhere() {
    assertThatThrownBy(() -> confined(() -> Files.writeString(elsewhere, "changed")))
        .isInstanceOf(AccessDeniedException.class);
    assertThat(elsewhere).hasContent("for all");
  }

  @Test
  void itExecutesNothing() {
    assertThatThrownBy(() -> confined(() -> new ProcessBuilder("true").start().waitFor()))
        .isInstanceOf(IOException.class);
  }

  @Test
  void aThreadThatItStartsReadsNoFileOfAPodEither() {
    assertThatThrownBy(
            () ->
                confined(
                    () -> {
                      try {
                        return Threads.result(
                            Threads.startOnKernelThread(() -> Files.readString(secret)));
                      } catch (Throwable e) {
                        throw (Exception) e;
                      }
                    }))
        .isInstanceOf(AccessDeniedException.class);
  }

  @Test
  void itReadsFilesElsewhere() throws Throwable {
    assertThat(confined(() -> Files.readString(elsewhere))).isEqualTo("for all");
  }

  @Test
  void itStillConnectsToAMonitor() throws Throwable {
    try (FakeMonitor _ = FakeMonitor.healthy(pods.socket(VM))) {
      assertThat(confined(this::connects)).isTrue();
    }
  }

  private boolean connects() throws IOException {
    try (Handle directory = Handle.of(pods.volume(VM));
        Handle socket = directory.entry("qmp.sock");
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      return channel.connect(UnixDomainSocketAddress.of(socket.path()));
    }
  }

  @Test
  void otherThreadsReadAsBefore() throws Throwable {
    assertThat(confined(() -> "closed")).isEqualTo("closed");

    assertThat(secret).hasContent("secret");
  }
}
