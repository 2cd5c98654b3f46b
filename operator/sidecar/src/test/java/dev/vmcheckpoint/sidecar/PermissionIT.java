package dev.vmcheckpoint.sidecar;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.node.ErrorCode;
import dev.vmcheckpoint.node.MachineReport;
import dev.vmcheckpoint.node.ObserveRequest;
import dev.vmcheckpoint.node.PodUid;
import dev.vmcheckpoint.node.Problem;
import dev.vmcheckpoint.node.fixture.TestAuthority;
import dev.vmcheckpoint.node.fixture.TestAuthority.Subject;
import dev.vmcheckpoint.qmp.fixture.Tool;
import dev.vmcheckpoint.sidecar.fixture.FakeMonitor;
import dev.vmcheckpoint.sidecar.fixture.PodsDirectory;
import dev.vmcheckpoint.sidecar.fixture.SidecarProcess;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;

/** What a sidecar that is not root may not open. */
@TestInstance(Lifecycle.PER_CLASS)
final class PermissionIT {
  private static final PodUid VM = new PodUid("a1");

  private final PodsDirectory pods = PodsDirectory.create();
  private final FakeMonitor monitor = FakeMonitor.healthy(pods.socket(VM));
  private final SidecarProcess sidecar = start();

  private SidecarProcess start() {
    TestAuthority authority = new TestAuthority();
    Path tls = authority.secret(pods.beside("tls"), Subject.SIDECAR);
    return SidecarProcess.startWithoutPrivileges(authority, pods, tls);
  }

  @AfterEach
  void letAllBeOpened() {
    mode(pods.pod(VM), "0755");
    mode(pods.volume(VM), "0755");
  }

  @AfterAll
  void stop() throws IOException {
    sidecar.close();
    monitor.close();
    pods.close();
  }

  private static void mode(Path path, String mode) {
    Tool.run("chmod", mode, path.toString());
  }

  private MachineReport look() {
    return sidecar
        .api()
        .observe(new ObserveRequest(List.of(new ObserveRequest.Target(VM))))
        .machines()
        .getFirst();
  }

  private String deniedDetail() {
    Problem problem = ((MachineReport.Failed) look()).error();
    assertThat(problem.is(ErrorCode.MonitorPermissionDenied)).as(problem.toString()).isTrue();
    return problem.detail();
  }

  @Test
  void aSocketThatItMayOpenIsOpened() {
    mode(pods.socket(VM), "0777");

    assertThat(look()).isInstanceOf(MachineReport.Observed.class);
  }

  @Test
  void aSocketThatItMayNotOpenIsSaidToBeOneWithTheRemedy() {
    mode(pods.socket(VM), "0000");

    assertThat(deniedDetail())
        .isEqualTo(
            "%s: permission denied; run QEMU with umask 007 in a pod with fsGroup 107"
                .formatted(pods.socket(VM)));
  }

  @Test
  void aVolumeThatItMayNotSearchIsNamed() {
    Path volume = pods.volume(VM);
    mode(volume, "0000");

    assertThat(deniedDetail())
        .startsWith("%s: the sidecar may not search this directory".formatted(volume));
  }

  @Test
  void aPodThatItMayNotSearchIsNamed() {
    mode(pods.pod(VM), "0000");

    assertThat(deniedDetail())
        .startsWith("%s: the sidecar may not search this directory".formatted(pods.pod(VM)));
  }
}
