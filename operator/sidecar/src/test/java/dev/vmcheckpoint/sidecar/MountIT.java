package dev.vmcheckpoint.sidecar;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.node.ErrorCode;
import dev.vmcheckpoint.node.MachineReport;
import dev.vmcheckpoint.node.ObserveRequest;
import dev.vmcheckpoint.node.PodUid;
import dev.vmcheckpoint.node.Problem;
import dev.vmcheckpoint.node.fixture.TestAuthority;
import dev.vmcheckpoint.node.fixture.TestAuthority.Subject;
import dev.vmcheckpoint.sidecar.fixture.FakeMonitor;
import dev.vmcheckpoint.sidecar.fixture.PodsDirectory;
import dev.vmcheckpoint.sidecar.fixture.SidecarProcess;
import dev.vmcheckpoint.sidecar.fixture.Stranger;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;

/**
 * What is mounted on the way to a monitor: an emptyDir in memory is a mount, and others lead away.
 */
@TestInstance(Lifecycle.PER_CLASS)
final class MountIT {
  private static final PodUid IN_MEMORY = new PodUid("a1");
  private static final PodUid OTHERS_SOCKET = new PodUid("b2");
  private static final PodUid OTHERS_VOLUME = new PodUid("c3");
  private static final PodUid PART_OF_A_TMPFS = new PodUid("d4");
  private static final PodUid OTHERS_POD = new PodUid("e5");
  private static final PodUid OTHER = new PodUid("f6");

  private final PodsDirectory pods = PodsDirectory.create();
  private final Stranger stranger = Stranger.at(pods.socket(OTHER));
  private final SidecarProcess sidecar = start();

  private SidecarProcess start() {
    TestAuthority authority = new TestAuthority();
    Path tls = authority.secret(pods.beside("tls"), Subject.SIDECAR);
    try {
      Files.createFile(pods.socket(OTHERS_SOCKET));
      Files.createDirectory(pods.pod(OTHERS_POD));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    String mounts =
        """
        mount -t tmpfs tmpfs %s
        mount --bind %s %s
        mount --bind %s %s
        mkdir %s/part
        mount --bind %s/part %s
        mount --bind %s %s
        """
            .formatted(
                pods.volume(IN_MEMORY),
                stranger.socket(),
                pods.socket(OTHERS_SOCKET),
                pods.volume(OTHER),
                pods.volume(OTHERS_VOLUME),
                pods.volume(IN_MEMORY),
                pods.volume(IN_MEMORY),
                pods.volume(PART_OF_A_TMPFS),
                pods.pod(OTHER),
                pods.pod(OTHERS_POD));
    return SidecarProcess.startAmong(mounts, authority, pods, tls);
  }

  @AfterEach
  void nothingReachedTheStranger() {
    assertThat(stranger.bytesHeard()).isZero();
  }

  @AfterAll
  void stop() {
    sidecar.close();
    stranger.close();
    pods.close();
  }

  private MachineReport look(PodUid machine) {
    return sidecar
        .api()
        .observe(new ObserveRequest(List.of(new ObserveRequest.Target(machine))))
        .machines()
        .getFirst();
  }

  private String refusal(ErrorCode code, PodUid machine) {
    Problem problem = ((MachineReport.Failed) look(machine)).error();
    assertThat(problem).isEqualTo(Problem.of(code, problem.detail()));
    return problem.detail();
  }

  @Test
  void anEmptyDirInMemoryIsEntered() throws IOException {
    try (FakeMonitor _ = FakeMonitor.healthy(sidecar.seen(pods.socket(IN_MEMORY)))) {
      assertThat(look(IN_MEMORY)).isInstanceOf(MachineReport.Observed.class);
    }
  }

  @Test
  void aSocketThatIsMountedOnTheMonitorIsRefused() {
    assertThat(refusal(ErrorCode.NoMonitorSocket, OTHERS_SOCKET))
        .endsWith("/qmp.sock: something is mounted on it; mounts are not entered");
  }

  @Test
  void aVolumeThatIsMountedOnTheVolumeIsRefused() {
    assertThat(refusal(ErrorCode.NoMonitorVolume, OTHERS_VOLUME))
        .endsWith(
            "/qmp: a directory from elsewhere is mounted on it; the kubelet mounts nothing but a tmpfs there");
  }

  @Test
  void aPartOfATmpfsThatIsMountedOnTheVolumeIsRefused() {
    assertThat(refusal(ErrorCode.NoMonitorVolume, PART_OF_A_TMPFS))
        .contains("a directory from elsewhere is mounted on it");
  }

  @Test
  void aPodThatIsMountedOnThePodIsRefused() {
    assertThat(refusal(ErrorCode.MachineUnknown, OTHERS_POD))
        .endsWith("/e5: something is mounted on it; mounts are not entered");
  }
}
