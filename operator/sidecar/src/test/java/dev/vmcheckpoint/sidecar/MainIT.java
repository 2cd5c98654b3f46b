package dev.vmcheckpoint.sidecar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vmcheckpoint.node.HttpNodeApi;
import dev.vmcheckpoint.node.MachineReport;
import dev.vmcheckpoint.node.NodeApi;
import dev.vmcheckpoint.node.NodeApiException;
import dev.vmcheckpoint.node.NodeTls;
import dev.vmcheckpoint.node.ObserveRequest;
import dev.vmcheckpoint.node.PodUid;
import dev.vmcheckpoint.node.TlsMaterial;
import dev.vmcheckpoint.node.fixture.TestAuthority;
import dev.vmcheckpoint.node.fixture.TestAuthority.Subject;
import dev.vmcheckpoint.sidecar.fixture.FakeMonitor;
import dev.vmcheckpoint.sidecar.fixture.PodsDirectory;
import dev.vmcheckpoint.sidecar.fixture.SidecarProcess;
import dev.vmcheckpoint.sidecar.fixture.Threads;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.ServerSocket;
import java.net.http.HttpClient;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/**
 * The command line: what is wrong in one line, and a process that starts and stops in good order.
 */
final class MainIT {
  private final PodsDirectory pods = PodsDirectory.create();
  private final TestAuthority authority = new TestAuthority();
  private final Path tls = authority.secret(pods.beside("tls"), Subject.SIDECAR);

  @AfterEach
  void removeFiles() {
    pods.close();
  }

  private void assertRefused(String line, String... arguments) {
    List<String> all =
        new ArrayList<>(List.of("--pods-dir", pods.path().toString(), "--tls-dir", tls.toString()));
    all.addAll(List.of("--port", "0", "--probe-port", "0"));
    all.addAll(List.of(arguments));
    assertRefused(line, all, Map.of());
  }

  private static void assertRefused(
      String line, List<String> arguments, Map<String, String> environment) {
    StringWriter error = new StringWriter();
    CommandLine commandLine = Main.commandLine(environment).setErr(new PrintWriter(error, true));

    // It closes files to the thread that it runs on, for good.
    int status =
        Threads.startOnKernelThread(
                () ->
                    commandLine
                        .setOverwrittenOptionsAllowed(true)
                        .execute(arguments.toArray(new String[0])))
            .join();

    assertThat(error.toString().lines()).singleElement().asString().startsWith("sidecar: " + line);
    assertThat(status).isEqualTo(2);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--port         | x      | Invalid value for option '--port': 'x' is not an int",
        "--port         | 65536  | --port: 0 to 65535, not 65536",
        "--port         | -1     | --port: 0 to 65535, not -1",
        "--probe-port   | 70000  | --probe-port: 0 to 65535, not 70000",
        "--max-calls    | 0      | --max-calls: 1 to 1024, not 0",
        "--look-timeout | 99     | --look-timeout: 100 to 15000, not 99",
        "--look-timeout | 5s     | Invalid value for option '--look-timeout': '5s' is not an int",
        "--verbose      | yes    | Unknown options: '--verbose', 'yes'",
        "--port         | ''     | Invalid value for option '--port': '' is not an int"
      })
  void aWrongOptionIsRefused(String option, String value, String line) {
    assertRefused(line, option, value);
  }

  @Test
  void anArgumentThatIsNoneIsRefused() {
    assertRefused("Unmatched argument at index 8: 'start'", "start");
  }

  @Test
  void anOptionWithoutItsValueIsRefused() {
    assertRefused("Missing required parameter for option '--port' (PORT)", "--port");
  }

  @Test
  void aPodsDirectoryThatIsNotThereIsNamed() {
    assertRefused("--pods-dir: /nowhere is not a directory", "--pods-dir", "/nowhere");
  }

  @Test
  void withoutOpenat2ItDoesNotStart() throws Exception {
    Process process =
        SidecarProcess.launchWithoutOpenat2(
            "--pods-dir", pods.path().toString(), "--tls-dir", tls.toString());

    assertThat(process.errorReader().lines())
        .singleElement()
        .asString()
        .isEqualTo(
            "sidecar: --pods-dir: %s: the system call openat2 is not to be had; it takes Linux 5.6 and a seccomp profile that permits it",
            pods.path());
    assertThat(process.waitFor()).isEqualTo(2);
  }

  @Test
  void filesOfPodsAreClosedToItBeforeItOpensAny() throws Exception {
    Path inAPod = authority.secret(pods.path().resolve("tls"), Subject.SIDECAR);
    Process process =
        SidecarProcess.launch("--pods-dir", pods.path().toString(), "--tls-dir", inAPod.toString());

    assertThat(process.errorReader().lines())
        .singleElement()
        .asString()
        .startsWith("sidecar: --tls-dir: %s".formatted(inAPod));
    assertThat(process.waitFor()).isEqualTo(2);
  }

  @Test
  void withoutLandlockItSaysSoAndStarts() throws Exception {
    try (SidecarProcess sidecar = SidecarProcess.startWithoutLandlock(authority, pods, tls)) {
      assertThat(sidecar.api().observe(new ObserveRequest(List.of())).machines()).isEmpty();
      assertThat(sidecar.earlierMessages())
          .anyMatch(message -> message.startsWith("this kernel has no Landlock"));
    }
  }

  @Test
  void tlsFilesThatAreMissingAreNamed() {
    assertRefused("--tls-dir: /nowhere/tls.crt: no such file", "--tls-dir", "/nowhere");
  }

  @Test
  void withoutFilesTheNodesNameIsNeeded() {
    assertRefused(
        "--node-name: the node's name is needed where there is no --tls-dir",
        List.of("--pods-dir", pods.path().toString()),
        Map.of("KUBERNETES_SERVICE_HOST", "10.0.0.1"));
  }

  @Test
  void withoutFilesTheApiServerIsNeeded() {
    assertRefused(
        "the environment variable KUBERNETES_SERVICE_HOST is not set",
        List.of("--pods-dir", pods.path().toString(), "--node-name", "node-1"),
        Map.of());
  }

  @Test
  void aPortThatIsTakenIsRefused() throws IOException {
    try (ServerSocket taken = new ServerSocket(0)) {
      assertRefused(
          "--port %d, --probe-port 0: Address already in use".formatted(taken.getLocalPort()),
          "--port",
          Integer.toString(taken.getLocalPort()));
    }
  }

  @Test
  void aProbePortThatIsTakenIsRefusedAndNothingIsLeft() throws IOException {
    try (ServerSocket taken = new ServerSocket(0)) {
      assertRefused(
          "--port 0, --probe-port %d: Address already in use".formatted(taken.getLocalPort()),
          "--probe-port",
          Integer.toString(taken.getLocalPort()));
    }
  }

  @Test
  void theProcessEndsWithTheStatusOfItsCommandLine() throws Exception {
    Process process = SidecarProcess.launch("--port", "x");

    assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).isEqualTo(2);
    assertThat(process.errorReader().readLine())
        .isEqualTo("sidecar: Invalid value for option '--port': 'x' is not an int");
    assertThat(process.inputReader().readLine()).isNull();
  }

  @Test
  void sigtermStopsAnIdleSidecarAtOnceWithStatus0() throws Exception {
    try (SidecarProcess sidecar = SidecarProcess.start(authority, pods, tls)) {
      sidecar.api().observe(new ObserveRequest(List.of()));

      sidecar.terminate();

      assertThat(sidecar.exitStatus(Duration.ofSeconds(30))).isZero();
    }
  }

  @Test
  void sigtermLetsACallInProgressEnd() throws Exception {
    PodUid machine = new PodUid("a1");
    CountDownLatch talking = new CountDownLatch(1);
    CountDownLatch release = new CountDownLatch(1);
    FakeMonitor.Script slow =
        client -> {
          client.greet();
          client.answerOne();
          talking.countDown();
          try {
            release.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
          client.answerQueries();
        };
    try (FakeMonitor _ = FakeMonitor.at(pods.socket(machine), slow);
        SidecarProcess sidecar = SidecarProcess.start(authority, pods, tls)) {
      var look =
          Threads.start(
              () ->
                  sidecar
                      .api()
                      .observe(new ObserveRequest(List.of(new ObserveRequest.Target(machine)))));
      talking.await();

      sidecar.terminate();
      sidecar.awaitLog("sidecar is stopping");
      release.countDown();

      assertThat(look.get(30, TimeUnit.SECONDS).machines().getFirst())
          .isInstanceOf(MachineReport.Observed.class);
      assertThat(sidecar.exitStatus(Duration.ofSeconds(30))).isZero();
    }
  }

  @Test
  void logsAreJsonLinesThatSayWhatWasChanged() throws Exception {
    try (SidecarProcess sidecar = SidecarProcess.start(authority, pods, tls)) {
      sidecar.tryToRemove(new PodUid("a1"), "c1");

      assertThat(sidecar.awaitLog("remove checkpoint").get("kvpList").toString())
          .contains(
              "{\"podUID\":\"a1\"}",
              "{\"checkpointUID\":\"c1\"}",
              "{\"outcome\":\"MachineUnknown\"}",
              "\"durationMillis\"");
    }
  }

  @Test
  void aCallerWhoseCertificateIsNotBelievedIsNamedInTheLogWithTheReason() throws Exception {
    TlsMaterial foreign =
        new TlsMaterial(
            List.of(new TestAuthority().identity(Subject.OPERATOR)),
            List.of(authority.certificate()));
    try (SidecarProcess sidecar = SidecarProcess.start(authority, pods, tls);
        HttpClient caller =
            HttpNodeApi.newClient(NodeTls.client(() -> foreign), Duration.ofSeconds(20))) {
      NodeApi api =
          new HttpNodeApi(sidecar.uri(), TestAuthority.NODE, caller, HttpNodeApi.Timeouts.DEFAULT);
      assertThatThrownBy(() -> api.observe(new ObserveRequest(List.of())))
          .isInstanceOf(NodeApiException.class);

      String line = sidecar.awaitLogLine("a caller's certificate is not believed");

      assertThat(line)
          .containsPattern("\\{\"peer\":\"[^\"]+:[0-9]+\"}")
          .contains("PKIX path")
          .doesNotContain("BEGIN", "PRIVATE");
    }
  }
}
