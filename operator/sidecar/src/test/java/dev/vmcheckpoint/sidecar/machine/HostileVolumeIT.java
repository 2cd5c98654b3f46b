package dev.vmcheckpoint.sidecar.machine;

import static dev.vmcheckpoint.sidecar.fixture.Failures.assertNotObserved;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vmcheckpoint.node.ErrorCode;
import dev.vmcheckpoint.node.PodUid;
import dev.vmcheckpoint.qmp.fixture.Qemu;
import dev.vmcheckpoint.qmp.fixture.Tool;
import dev.vmcheckpoint.sidecar.fixture.FakeMonitor;
import dev.vmcheckpoint.sidecar.fixture.PodsDirectory;
import dev.vmcheckpoint.sidecar.fixture.RunningSidecar;
import dev.vmcheckpoint.sidecar.fixture.Stranger;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What a tenant can lay in the way to his machine's monitor: none of it leads to another's server,
 * which would be told the operator's commands. Runs as root, as a node's administrator would lay
 * some of it.
 */
@TestInstance(Lifecycle.PER_CLASS)
final class HostileVolumeIT {
  private static final PodUid VM = new PodUid("a1");
  private static final PodUid OTHER = new PodUid("b2");
  private static final String NBD = "vmcp.nbd";

  private final PodsDirectory pods = PodsDirectory.create();
  private final RunningSidecar sidecar = RunningSidecar.start(pods);
  private final Stranger stranger = Stranger.at(pods.socket(OTHER));

  @AfterEach
  void nothingReachedTheStranger() throws IOException {
    assertThat(stranger.bytesHeard()).isZero();
    pods.remove(VM);
  }

  @AfterAll
  void stop() {
    stranger.close();
    sidecar.close();
    pods.close();
  }

  private String refusal(ErrorCode code) {
    return assertNotObserved(code, sidecar, VM).detail();
  }

  private Path entry(String name) {
    return pods.volume(VM).resolve(name);
  }

  /** A way to the socket that the flush uses is refused as one to the monitor is. */
  private void assertNoWayTo(String entry, String why) throws IOException {
    try (PodVolume volume = PodVolume.open(pods.path(), VM)) {
      assertThatThrownBy(() -> volume.connect(entry))
          .isInstanceOf(IOException.class)
          .hasMessageStartingWith(entry(entry).toString())
          .hasMessageContaining(why);
    }
  }

  // Links

  @ParameterizedTest
  @CsvSource({
    "'',                                   MachineUnknown",
    "volumes,                              NoMonitorVolume",
    "volumes/kubernetes.io~empty-dir,      NoMonitorVolume",
    "volumes/kubernetes.io~empty-dir/qmp,  NoMonitorVolume"
  })
  void aLinkInPlaceOfADirectoryIsNotFollowed(String step, ErrorCode code) throws IOException {
    Path link = pods.pod(VM).resolve(step);
    Files.createDirectories(link.getParent());
    Files.createSymbolicLink(link, pods.pod(OTHER).resolve(step));

    assertThat(refusal(code))
        .isEqualTo("%s: not a directory; symbolic links are not followed".formatted(link));
  }

  @ParameterizedTest
  @ValueSource(strings = {"qmp.sock", NBD})
  void aLinkToASocketIsNotFollowed(String name) throws IOException {
    Files.createSymbolicLink(entry(name), stranger.socket());

    assertNoWayTo(name, "not a socket; symbolic links are not followed");
  }

  @Test
  void aLinkInPlaceOfTheMonitorIsSaidToBeOne() throws IOException {
    Files.createSymbolicLink(entry("qmp.sock"), stranger.socket());

    assertThat(refusal(ErrorCode.NoMonitorSocket))
        .isEqualTo(
            "%s: not a socket; symbolic links are not followed".formatted(entry("qmp.sock")));
  }

  @ParameterizedTest
  @ValueSource(strings = {"qmp.sock", NBD})
  void aHardLinkToASocketIsRefused(String name) throws IOException {
    Files.createLink(entry(name), stranger.socket());

    assertNoWayTo(name, "hard links are refused");
  }

  @Test
  void aHardLinkInPlaceOfTheMonitorIsSaidToBeOne() throws IOException {
    Files.createLink(entry("qmp.sock"), stranger.socket());

    assertThat(refusal(ErrorCode.NoMonitorSocket)).endsWith("hard links are refused");
  }

  // Other files

  @ParameterizedTest
  @ValueSource(strings = {"mkfifo %s", "mknod %s c 1 3", "mknod %s b 1 0", "mkdir %s", "touch %s"})
  void whatIsNoSocketIsRefused(String command) {
    Tool.run(command.formatted(entry("qmp.sock")).split(" "));

    assertThat(refusal(ErrorCode.NoMonitorSocket)).endsWith("/qmp.sock: not a socket");
  }

  @Test
  void aFileInPlaceOfTheVolumeIsRefused() throws IOException {
    Path volume = pods.volume(VM);
    Files.delete(volume);
    Files.createFile(volume);

    assertThat(refusal(ErrorCode.NoMonitorVolume)).endsWith("/qmp: not a directory");
  }

  // Listeners

  @Test
  void aListenerThatDoesNotOwnTheSocketIsNotTalkedTo() throws IOException {
    try (Stranger other = Stranger.at(entry("qmp.sock"))) {
      Files.setAttribute(other.socket(), "unix:uid", 4242);

      assertThat(refusal(ErrorCode.NoMonitorSocket))
          .endsWith("/qmp.sock: the user root listens, but 4242 owns the socket");
      assertThat(other.bytesHeard()).isZero();
    }
  }

  @Test
  void qemusOwnSocketsAreReached() throws IOException {
    Path volume = pods.volume(VM);
    try (Qemu qemu = Qemu.in(volume).start()) {
      qemu.qmp(
          "nbd-server-start",
          "{\"addr\": {\"type\": \"unix\", \"data\": {\"path\": \"%s\"}}}"
              .formatted(volume.resolve(NBD)));

      try (PodVolume opened = PodVolume.open(pods.path(), VM);
          SocketChannel monitor = opened.connectToMonitor();
          SocketChannel nbd = opened.connect(NBD)) {
        assertThat(greeting(monitor)).startsWith("{\"QMP\"");
        assertThat(greeting(nbd)).startsWith("NBDMAGIC");
      }
    }
  }

  private static String greeting(SocketChannel channel) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(8);
    while (bytes.hasRemaining() && channel.read(bytes) >= 0) {}
    return StandardCharsets.US_ASCII.decode(bytes.flip()).toString();
  }

  // Names of the volume itself

  @Test
  void aVolumeThatIsMovedAwayIsStillTheOneThatWasOpened() throws IOException {
    try (FakeMonitor _ = FakeMonitor.healthy(pods.socket(VM));
        PodVolume volume = PodVolume.open(pods.path(), VM)) {
      Path path = pods.volume(VM);
      Files.move(path, path.resolveSibling("moved"));
      Files.createSymbolicLink(path, pods.volume(OTHER));

      try (SocketChannel monitor = volume.connectToMonitor()) {
        assertThat(monitor.isConnected()).isTrue();
      }
    }
  }

  @Test
  void aPathOfAnyLengthIsServed() throws IOException {
    Path deep = Files.createDirectories(pods.path().resolve("d".repeat(100)).resolve("e"));
    Path kubeletPods = deep.resolve("pods");
    Files.createDirectory(kubeletPods);
    try (FakeMonitor _ = FakeMonitor.healthy(pods.socket(VM))) {
      Files.move(pods.pod(VM), kubeletPods.resolve(VM.value()));

      try (PodVolume volume = PodVolume.open(kubeletPods, VM);
          SocketChannel monitor = volume.connectToMonitor()) {
        assertThat(monitor.isConnected()).isTrue();
      }
    }
  }
}
