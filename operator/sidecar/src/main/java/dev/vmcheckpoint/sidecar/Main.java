package dev.vmcheckpoint.sidecar;

import dev.vmcheckpoint.node.NodeTls;
import dev.vmcheckpoint.node.TlsException;
import dev.vmcheckpoint.node.TlsFiles;
import dev.vmcheckpoint.node.TlsSource;
import dev.vmcheckpoint.qmp.Timeouts;
import dev.vmcheckpoint.sidecar.certificate.KubernetesCertificateApi;
import dev.vmcheckpoint.sidecar.certificate.NodeCertificate;
import dev.vmcheckpoint.sidecar.handle.Handle;
import dev.vmcheckpoint.sidecar.handle.Landlock;
import dev.vmcheckpoint.sidecar.handle.OpenException;
import dev.vmcheckpoint.sidecar.http.RefusedCallers;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The command line. A wrong one ends in one line on standard error and exit status 2. */
@Command(
    name = "sidecar",
    sortOptions = false,
    description = "Carries out the operator's calls on the QEMU processes of its node.")
public final class Main implements Callable<Integer> {
  private static final Logger LOG = LoggerFactory.getLogger(Main.class);

  /** Together with the end of the answers less than the 30 s that the kubelet gives a pod. */
  private static final Duration LAST_CALLS = Duration.ofSeconds(20);

  @Option(
      names = "--pods-dir",
      paramLabel = "DIR",
      defaultValue = "/pods",
      description = "Where the kubelet's pods directory is mounted (default: ${DEFAULT-VALUE}).")
  private Path podsDirectory = Path.of("/pods");

  @Option(
      names = "--tls-dir",
      paramLabel = "DIR",
      description =
          "Holds tls.crt, tls.key and ca.crt; without it a certificate is asked for at the API server.")
  private @Nullable Path tlsDirectory;

  @Option(
      names = "--node-name",
      paramLabel = "NAME",
      description = "The node that it runs on; needed without --tls-dir.")
  private @Nullable String nodeName;

  @Option(
      names = "--service-account-dir",
      paramLabel = "DIR",
      defaultValue = "/var/run/secrets/kubernetes.io/serviceaccount",
      description = "Holds token, ca.crt and namespace (default: ${DEFAULT-VALUE}).")
  private Path serviceAccountDirectory = Path.of("/var/run/secrets/kubernetes.io/serviceaccount");

  @Option(
      names = "--port",
      paramLabel = "PORT",
      defaultValue = "8443",
      description = "TCP port of the operator's calls; 0 for any (default: ${DEFAULT-VALUE}).")
  private int port;

  @Option(
      names = "--probe-port",
      paramLabel = "PORT",
      defaultValue = "8080",
      description = "TCP port of probes and metrics; 0 for any (default: ${DEFAULT-VALUE}).")
  private int probePort;

  @Option(
      names = "--max-calls",
      paramLabel = "N",
      defaultValue = "64",
      description = "The most calls in progress; more are refused (default: ${DEFAULT-VALUE}).")
  private int maxCalls;

  @Option(
      names = "--look-timeout",
      paramLabel = "MILLISECONDS",
      defaultValue = "5000",
      description = "How long the look at one machine may take (default: ${DEFAULT-VALUE}).")
  private int lookMillis;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Show this and exit.")
  @SuppressWarnings("UnusedVariable") // picocli reads it
  private boolean help;

  private final Map<String, String> environment;

  @Spec private @Nullable CommandSpec spec;

  private Main(Map<String, String> environment) {
    this.environment = environment;
  }

  public static void main(String[] arguments) {
    System.exit(commandLine(System.getenv()).execute(arguments));
  }

  /** The command line, with the given variables. */
  static CommandLine commandLine(Map<String, String> environment) {
    return new CommandLine(new Main(environment))
        .setParameterExceptionHandler(
            (wrong, _) -> {
              CommandLine line = wrong.getCommandLine();
              line.getErr().println("sidecar: " + wrong.getMessage());
              return line.getCommandSpec().exitCodeOnInvalidInput();
            });
  }

  @Override
  public Integer call() throws InterruptedException {
    requireRange("--port", port, 0, 65535);
    requireRange("--probe-port", probePort, 0, 65535);
    requireRange("--max-calls", maxCalls, 1, 1024);
    requireRange("--look-timeout", lookMillis, 100, 15_000);
    requirePodsDirectory();
    closePodsDirectory();
    Sidecar sidecar =
        tlsDirectory == null ? startWithNodeCertificate() : start(files(tlsDirectory));
    Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(sidecar), "stop"));
    new CountDownLatch(1).await();
    return 0;
  }

  /** Without the halt, a process that ends on SIGTERM ends with status 143, however orderly. */
  private static void stop(Sidecar sidecar) {
    sidecar.close();
    Runtime.getRuntime().halt(0);
  }

  private Sidecar startWithNodeCertificate() {
    NodeCertificate certificate =
        NodeCertificate.start(
            nodeName(),
            new KubernetesCertificateApi(apiServer(), serviceAccountDirectory),
            Clock.systemUTC());
    return start(certificate, certificate::isReady);
  }

  private String nodeName() {
    if (nodeName == null || nodeName.isBlank()) {
      throw wrong("--node-name: the node's name is needed where there is no --tls-dir");
    }
    return nodeName;
  }

  /** As the kubelet tells every pod. */
  private URI apiServer() {
    String host = environment.getOrDefault("KUBERNETES_SERVICE_HOST", "");
    String apiPort = environment.getOrDefault("KUBERNETES_SERVICE_PORT", "443");
    if (host.isBlank()) {
      throw wrong(
          "the environment variable KUBERNETES_SERVICE_HOST is not set, and so no certificate can be asked for; outside of a pod give --tls-dir");
    }
    return URI.create(
        "https://%s:%s".formatted(host.contains(":") ? "[" + host + "]" : host, apiPort));
  }

  private Sidecar start(TlsSource files) {
    return start(files, () -> true);
  }

  private Sidecar start(TlsSource certificates, BooleanSupplier hasCertificate) {
    try {
      return Sidecar.start(
          new Sidecar.Settings(
              podsDirectory,
              port,
              probePort,
              maxCalls,
              Duration.ofMillis(lookMillis),
              LAST_CALLS,
              Timeouts.DEFAULT),
          NodeTls.server(certificates, new RefusedCallers(System::nanoTime)),
          hasCertificate);
    } catch (IOException e) {
      throw wrong("--port %d, --probe-port %d: %s".formatted(port, probePort, e.getMessage()));
    }
  }

  private TlsSource files(Path directory) {
    try {
      return TlsFiles.in(
          directory,
          unusable -> LOG.warn("new certificates are not used: {}", unusable.getMessage()));
    } catch (TlsException e) {
      throw wrong("--tls-dir: %s".formatted(e.getMessage()));
    }
  }

  private void requirePodsDirectory() {
    if (!Files.isDirectory(podsDirectory)) {
      throw wrong("--pods-dir: %s is not a directory".formatted(podsDirectory));
    }
    if (!Files.isExecutable(podsDirectory)) {
      throw wrong(
          "--pods-dir: %s may not be searched; the supplementary group 0 opens the kubelet's directories"
              .formatted(podsDirectory));
    }
    try (Handle _ = Handle.of(podsDirectory)) {
      // It can be held, and so can what is below it.
    } catch (OpenException e) {
      throw wrong("--pods-dir: %s: %s".formatted(podsDirectory, e.getMessage()));
    }
  }

  /**
   * Its groups open more of other pods' files than the way to their monitors. From here on none of
   * them is opened, as all threads that carry out calls are started after this.
   */
  private void closePodsDirectory() {
    try {
      if (Landlock.closeBelow(podsDirectory)) {
        LOG.info("files of pods are closed to this process by Landlock");
      } else {
        LOG.warn(
            "this kernel has no Landlock (Linux 5.13), so files of pods that this process's groups"
                + " open stay open to it");
      }
    } catch (IOException e) {
      throw wrong("--pods-dir: %s is not closed: %s".formatted(podsDirectory, e.getMessage()));
    }
  }

  private void requireRange(String option, int value, int least, int most) {
    if (value < least || value > most) {
      throw wrong("%s: %d to %d, not %d".formatted(option, least, most, value));
    }
  }

  private ParameterException wrong(String what) {
    return new ParameterException(Objects.requireNonNull(spec).commandLine(), what);
  }
}
