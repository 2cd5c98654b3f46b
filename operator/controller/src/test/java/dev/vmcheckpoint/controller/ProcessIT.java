package dev.vmcheckpoint.controller;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.vmcheckpoint.api.Condition.Status;
import dev.vmcheckpoint.api.ConditionType;
import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.api.VirtualMachineCheckpoint;
import dev.vmcheckpoint.api.WellKnown;
import dev.vmcheckpoint.controller.fixture.TestCheckpoint;
import dev.vmcheckpoint.controller.fixture.TestCluster;
import dev.vmcheckpoint.node.ServerLimits;
import dev.vmcheckpoint.node.fixture.TestAuthority;
import dev.vmcheckpoint.node.fixture.TestAuthority.Subject;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.client.dsl.Resource;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** The operator in a process of its own, from its command line to its end. */
final class ProcessIT {
  @RegisterExtension static final TestCluster CLUSTER = new TestCluster();

  /** A part of what the image gives it, so that fewer objects would fill it. */
  private static final String HEAP = "-Xmx64m";

  /** So many large objects that they do not fit into the heap. */
  private static final int MANY = 160;

  private static final String LARGE = "x".repeat(250 * 1024);

  @TempDir Path folder;

  private int port;
  private Path log;
  private Path tls;
  private Process process;

  @BeforeEach
  void start() throws IOException {
    port = freePort();
    log = folder.resolve("log");
    tls = new TestAuthority().secret(folder.resolve("tls"), Subject.OPERATOR);
    launchUntilReady();
  }

  private void launchUntilReady() throws IOException {
    process = launch("--tls-dir=" + tls, "--probe-port=" + port);
    TestCluster.awaitThat("the operator ready", this::isReady);
  }

  @AfterEach
  void kill() {
    process.destroyForcibly().onExit().join();
    CLUSTER.lease().delete();
  }

  @Test
  void itReconcilesLogsInJsonAndStopsInOrderOnASignal() throws Exception {
    CLUSTER
        .apply("one", "db-0")
        .when(ConditionType.Ready, Status.False, Reason.VirtualMachineNotFound);
    TestCluster.awaitThat(
        "the reconciliation counted",
        () -> get("/metrics").body().contains("vmcheckpoint_reconciliations_seconds_count"));

    process.destroy();

    assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).isZero();
    assertThat(CLUSTER.lease().get().getSpec().getHolderIdentity()).isNullOrEmpty();
    assertThat(Files.readAllLines(log))
        .allSatisfy(line -> assertThat(new ObjectMapper().readTree(line).has("level")).isTrue());
  }

  @Test
  void itEndsWhenAnotherOneLeads() throws Exception {
    TestCluster.awaitThat(
        "leadership",
        () ->
            Optional.ofNullable(CLUSTER.lease().get())
                .map(lease -> lease.getSpec().getHolderIdentity())
                .equals(Optional.of("operator-0")));

    CLUSTER
        .lease()
        .patch(
            PatchContext.of(PatchType.JSON_MERGE), "{\"spec\":{\"holderIdentity\":\"another\"}}");

    assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).isEqualTo(1);
    assertThat(Files.readString(log)).contains("leadership is lost");
  }

  @Test
  void withoutFilesItMakesAnAuthorityWhoseKeyIsInNoLog() throws Exception {
    kill();
    process = launch("--probe-port=" + port);
    Resource<Secret> secret =
        CLUSTER
            .admin()
            .secrets()
            .inNamespace(CLUSTER.operatorNamespace())
            .withName("vmcheckpoint-authority");
    TestCluster.awaitThat("the authority in the log", () -> logged("Made the authority"));

    String key = Objects.requireNonNull(secret.get()).getData().getOrDefault("tls.key", "");
    process.destroy();

    assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    secret.delete();
    assertThat(process.exitValue()).isZero();
    String pem = new String(Base64.getDecoder().decode(key), StandardCharsets.US_ASCII);
    assertThat(Files.readString(log))
        .doesNotContain(key)
        .doesNotContain(pem.lines().toList().get(1));
  }

  @Test
  void connectionsThatAreHeldIdleKeepProbesOutForSecondsOnly() throws Exception {
    List<Socket> idle = new ArrayList<>();
    try {
      while (idle.size() < ServerLimits.MOST_CONNECTIONS) {
        idle.add(new Socket(InetAddress.getLoopbackAddress(), port));
      }

      TestCluster.awaitThat("no probe answered", () -> !isAnswered("/healthz"));
      TestCluster.awaitThat("probes answered again", () -> isAnswered("/healthz"));
    } finally {
      for (Socket socket : idle) {
        socket.close();
      }
    }
  }

  @Test
  void aProbeThatDoesNotComeToItsEndIsCutOff() throws Exception {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      socket.setSoTimeout((int) TestCluster.PATIENCE.toMillis());
      socket
          .getOutputStream()
          .write("GET /healthz HTTP/1.1\r\nHost: operator\r\n".getBytes(StandardCharsets.US_ASCII));

      assertThat(socket.getInputStream().readAllBytes()).isEmpty();
    }
  }

  @Test
  void checkpointsWithLargeAnnotationsDoNotFillItsMemory() throws Exception {
    kill();
    atOnce(i -> CLUSTER.admin().resource(largeCheckpoint("large-" + i)).create());

    launchUntilReady();

    large(0).when(ConditionType.Ready, Status.False, Reason.VirtualMachineNotFound);
    assertThat(process.isAlive()).isTrue();
    kill();
    atOnce(i -> large(i).forceFinalizersAway());
    atOnce(i -> large(i).delete());
  }

  @Test
  void podsOfMachinesWithLargeAnnotationsDoNotFillItsMemory() throws Exception {
    kill();
    atOnce(i -> CLUSTER.admin().resource(largePod("large-" + i)).create());

    launchUntilReady();

    CLUSTER
        .apply("one", "large-0")
        .when(ConditionType.Ready, Status.False, Reason.VirtualMachineNotRunning);
    atOnce(i -> CLUSTER.admin().resource(largePod("large-" + i)).withGracePeriod(0).delete());
    assertThat(process.isAlive()).isTrue();
  }

  private static TestCheckpoint large(int number) {
    return new TestCheckpoint(CLUSTER, CLUSTER.namespace(), "large-" + number);
  }

  private static VirtualMachineCheckpoint largeCheckpoint(String name) {
    VirtualMachineCheckpoint checkpoint =
        CLUSTER
            .admin()
            .getKubernetesSerialization()
            .unmarshal(
                """
                apiVersion: vmcheckpoint.dev/v1alpha1
                kind: VirtualMachineCheckpoint
                metadata: {name: %s, namespace: %s}
                spec: {virtualMachineRef: {name: db-0}}
                """
                    .formatted(name, CLUSTER.namespace()),
                VirtualMachineCheckpoint.class);
    checkpoint.getMetadata().setAnnotations(Map.of("example.com/large", LARGE));
    return checkpoint;
  }

  private static Pod largePod(String name) {
    return new PodBuilder()
        .withNewMetadata()
        .withNamespace(CLUSTER.namespace())
        .withName(name)
        .addToLabels(WellKnown.VIRTUAL_MACHINE_LABEL, name)
        .addToAnnotations("example.com/large", LARGE)
        .endMetadata()
        .withNewSpec()
        .addNewContainer()
        .withName("main")
        .withImage("registry.invalid/none:1")
        .endContainer()
        .endSpec()
        .build();
  }

  private static void atOnce(IntConsumer create) {
    IntStream.range(0, MANY).parallel().forEach(create);
  }

  private boolean logged(String words) throws IOException {
    return Files.readString(log).contains(words);
  }

  private Process launch(String... arguments) throws IOException {
    String classPath =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path", ""));
    List<String> command =
        new ArrayList<>(
            List.of(
                ProcessHandle.current().info().command().orElse("java"),
                "-XX:+UseSerialGC",
                HEAP,
                "-XX:+ExitOnOutOfMemoryError",
                "-cp",
                classPath,
                Main.class.getName()));
    command.addAll(Arrays.asList(arguments));
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
    builder.environment().putAll(CLUSTER.operatorEnvironment());
    builder
        .environment()
        .putAll(Map.of("POD_NAME", "operator-0", "POD_NAMESPACE", CLUSTER.operatorNamespace()));
    return builder.start();
  }

  private boolean isReady() throws InterruptedException {
    return isAnswered("/readyz");
  }

  private boolean isAnswered(String path) throws InterruptedException {
    try {
      return get(path).statusCode() == 200;
    } catch (IOException e) {
      assertThat(process.isAlive()).as("the operator's process is there").isTrue();
      return false;
    }
  }

  private HttpResponse<String> get(String path) throws IOException, InterruptedException {
    try (HttpClient client = HttpClient.newHttpClient()) {
      return client.send(
          HttpRequest.newBuilder(URI.create("http://127.0.0.1:%d%s".formatted(port, path))).build(),
          HttpResponse.BodyHandlers.ofString());
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }
}
