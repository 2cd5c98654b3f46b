package dev.vmcheckpoint.sidecar.machine;

import static dev.vmcheckpoint.sidecar.fixture.Failures.assertNotObserved;
import static dev.vmcheckpoint.sidecar.fixture.Failures.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.node.Barrier;
import dev.vmcheckpoint.node.CheckpointUid;
import dev.vmcheckpoint.node.EnsureRequest;
import dev.vmcheckpoint.node.ErrorCode;
import dev.vmcheckpoint.node.MachineReport;
import dev.vmcheckpoint.node.ObserveRequest;
import dev.vmcheckpoint.node.PodUid;
import dev.vmcheckpoint.node.Problem;
import dev.vmcheckpoint.sidecar.fixture.FakeMonitor;
import dev.vmcheckpoint.sidecar.fixture.PodsDirectory;
import dev.vmcheckpoint.sidecar.fixture.RunningSidecar;
import dev.vmcheckpoint.sidecar.fixture.WaitingClients;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;

/** The ways on which a monitor cannot be had, and those on which the talk with it ends. */
@TestInstance(Lifecycle.PER_CLASS)
final class MonitorRefusalIT {
  private static final PodUid VM = new PodUid("a1");

  private final PodsDirectory pods = PodsDirectory.create();
  private final RunningSidecar sidecar = RunningSidecar.start(pods);

  /** For a monitor that hangs. */
  private final RunningSidecar impatient = RunningSidecar.impatient(pods);

  @AfterEach
  void removePod() throws IOException {
    pods.remove(VM);
  }

  @AfterAll
  void stop() {
    sidecar.close();
    impatient.close();
    pods.close();
  }

  private Problem notObserved(ErrorCode code) {
    return assertNotObserved(code, sidecar, VM);
  }

  private Problem refused(ErrorCode code) {
    return refused(code, sidecar);
  }

  /** A change meets the same as a look. */
  private static Problem refused(ErrorCode code, RunningSidecar sidecar) {
    EnsureRequest request =
        new EnsureRequest(List.of("vda"), Optional.empty(), Barrier.Flush, Optional.empty());
    return assertRefused(
        code,
        () ->
            sidecar.api().ensureCheckpoint(VM, new CheckpointUid("c1"), request, sidecar.leader()));
  }

  // On the way to the socket

  @Test
  void aPodThatIsNotThereIsUnknown() {
    assertThat(notObserved(ErrorCode.MachineUnknown).detail())
        .isEqualTo(pods.pod(VM) + ": not there");
    refused(ErrorCode.MachineUnknown);
  }

  @Test
  void aPodWithoutTheVolumeHasNoMonitor() throws IOException {
    Files.createDirectories(pods.pod(VM).resolve("volumes").resolve("kubernetes.io~empty-dir"));

    assertThat(notObserved(ErrorCode.NoMonitorVolume).detail()).endsWith("/qmp: not there");
    refused(ErrorCode.NoMonitorVolume);
  }

  @Test
  void aPodWithoutAnyVolumeHasNoMonitor() throws IOException {
    Files.createDirectories(pods.pod(VM));

    notObserved(ErrorCode.NoMonitorVolume);
  }

  @Test
  void aVolumeWithoutASocketIsSaidToBeOne() {
    pods.volume(VM);

    assertThat(notObserved(ErrorCode.NoMonitorSocket).detail()).endsWith("/qmp.sock: not there");
    refused(ErrorCode.NoMonitorSocket);
  }

  @Test
  void aFileIsNoSocket() throws IOException {
    Files.createFile(pods.socket(VM));

    assertThat(notObserved(ErrorCode.NoMonitorSocket).detail()).contains("/qmp.sock: not a socket");
  }

  @Test
  void aSocketWithoutAListenerIsSaidToBeOne() throws IOException {
    ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    listener.bind(UnixDomainSocketAddress.of(pods.socket(VM)));
    listener.close();

    assertThat(notObserved(ErrorCode.MonitorNotListening).detail()).contains("nobody listens");
    refused(ErrorCode.MonitorNotListening);
  }

  // At the monitor

  @Test
  void aMonitorThatDoesNotGreetIsBusy() throws IOException {
    try (FakeMonitor _ = FakeMonitor.at(pods.socket(VM), FakeMonitor.Client::hang)) {
      assertNotObserved(ErrorCode.MonitorBusy, impatient, VM);
      refused(ErrorCode.MonitorBusy, impatient);
    }
  }

  @Test
  void aMonitorWhoseQueueIsFullIsBusy() throws Exception {
    CountDownLatch served = new CountDownLatch(1);
    FakeMonitor.Script silent =
        client -> {
          served.countDown();
          client.hang();
        };
    try (FakeMonitor _ = FakeMonitor.at(pods.socket(VM), silent);
        SocketChannel _ = SocketChannel.open(UnixDomainSocketAddress.of(pods.socket(VM)))) {
      served.await();
      try (WaitingClients _ = WaitingClients.fillQueue(pods.socket(VM))) {
        assertThat(assertNotObserved(ErrorCode.MonitorBusy, impatient, VM).detail())
            .contains("is the queue of clients that wait for the monitor full?");
      }
    }
  }

  @Test
  void aMonitorThatStopsAnsweringIsTimedOut() throws IOException {
    FakeMonitor.Script silent =
        client -> {
          client.greet();
          client.answerOne();
          client.hang();
        };
    try (FakeMonitor _ = FakeMonitor.at(pods.socket(VM), silent)) {
      assertNotObserved(ErrorCode.MonitorTimeout, impatient, VM);
      refused(ErrorCode.MonitorTimeout, impatient);
    }
  }

  @Test
  void aMonitorThatHangsUpIsLost() throws IOException {
    FakeMonitor.Script fickle =
        client -> {
          client.greet();
          client.answerOne();
          client.command();
        };
    try (FakeMonitor _ = FakeMonitor.at(pods.socket(VM), fickle)) {
      notObserved(ErrorCode.MonitorLost);
      refused(ErrorCode.MonitorLost);
    }
  }

  @Test
  void aPeerThatSpeaksSomethingElseIsNoMonitor() throws IOException {
    FakeMonitor.Script webServer =
        client -> {
          client.send("HTTP/1.1 400 Bad Request");
          client.hang();
        };
    try (FakeMonitor _ = FakeMonitor.at(pods.socket(VM), webServer)) {
      notObserved(ErrorCode.MonitorProtocol);
      refused(ErrorCode.MonitorProtocol);
    }
  }

  @Test
  void wordsThatWouldBreakALogOrATerminalAreMadeHarmless() throws IOException {
    String words = "no\\r\\nlevel=error msg=forged\\u001b[2J\\u202e" + "x".repeat(10_000);
    FakeMonitor.Script forger =
        client ->
            client.greetAndAnswer(
                "query-status",
                "\"error\": {\"class\": \"GenericError\", \"desc\": \"%s\"}".formatted(words));
    try (FakeMonitor _ = FakeMonitor.at(pods.socket(VM), forger)) {
      assertThat(notObserved(ErrorCode.Refused).detail())
          .contains("no\\u000d\\u000alevel=error msg=forged\\u001b[2J\\u202exxx")
          .hasSizeLessThanOrEqualTo(4096)
          .doesNotContainPattern("\\p{Cntrl}");
    }
  }

  /** Half a surrogate pair cannot be written as JSON, and would spoil the answer about all. */
  @Test
  void aNameThatIsNoUnicodeIsNotQmp() throws IOException {
    FakeMonitor.Script forger =
        client -> client.greetAndAnswer("query-status", "\"return\": {\"status\": \"\\ud800\"}");
    try (FakeMonitor _ = FakeMonitor.at(pods.socket(VM), forger)) {
      assertThat(notObserved(ErrorCode.MonitorProtocol).detail())
          .endsWith("query-status.status is not a string");
    }
  }

  /** No part of the sidecar divides by it. */
  @Test
  void aBitmapWithoutAGranularityIsNotQmp() throws IOException {
    Map<String, String> shown =
        Map.of(
            "query-blockstats", "[{\"qdev\": \"vda\", \"node-name\": \"n\"}]",
            "query-named-block-nodes",
                "[{\"node-name\": \"n\", \"drv\": \"raw\", \"file\": \"f\", \"ro\": false, \"dirty-bitmaps\": [{\"name\": \"b\", \"granularity\": 0, \"count\": 0, \"recording\": true, \"persistent\": true, \"busy\": false}]}]");
    FakeMonitor.Script liar =
        client -> {
          client.greet();
          client.answerQueries(shown);
        };
    try (FakeMonitor _ = FakeMonitor.at(pods.socket(VM), liar)) {
      assertThat(notObserved(ErrorCode.MonitorProtocol).detail())
          .endsWith(".granularity is not above zero");
    }
  }

  @Test
  void theMonitorIsLetGoAfterEachCall() throws IOException {
    ObserveRequest request = new ObserveRequest(List.of(new ObserveRequest.Target(VM)));
    try (FakeMonitor _ = FakeMonitor.healthy(pods.socket(VM))) {
      assertThat(sidecar.api().observe(request).machines().getFirst())
          .isInstanceOf(MachineReport.Observed.class);
      // It serves one client after the other: this one would wait if the first were still there.
      assertThat(sidecar.api().observe(request).machines().getFirst())
          .isInstanceOf(MachineReport.Observed.class);
    }
  }
}
