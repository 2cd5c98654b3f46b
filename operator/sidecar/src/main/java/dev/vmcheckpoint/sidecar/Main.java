package dev.vmcheckpoint.sidecar;

import dev.vmcheckpoint.node.NodeTls;
import dev.vmcheckpoint.node.TlsException;
import dev.vmcheckpoint.node.TlsFiles;
import dev.vmcheckpoint.qmp.Timeouts;
import dev.vmcheckpoint.sidecar.machine.Machines;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import javax.net.ssl.SSLContext;
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
      defaultValue = "/tls",
      description = "Holds tls.crt, tls.key and ca.crt (default: ${DEFAULT-VALUE}).")
  private Path tlsDirectory = Path.of("/tls");

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

  @Spec private @Nullable CommandSpec spec;

  public static void main(String[] arguments) {
    System.exit(commandLine().execute(arguments));
  }

  static CommandLine commandLine() {
    return new CommandLine(new Main())
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
    SSLContext tls = tls();
    Sidecar sidecar = start(tls);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(sidecar), "stop"));
    new CountDownLatch(1).await();
    return 0;
  }

  /** Without the halt, a process that ends on SIGTERM ends with status 143, however orderly. */
  private static void stop(Sidecar sidecar) {
    sidecar.close();
    Runtime.getRuntime().halt(0);
  }

  private Sidecar start(SSLContext tls) {
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
          tls);
    } catch (IOException e) {
      throw wrong("--port %d, --probe-port %d: %s".formatted(port, probePort, e.getMessage()));
    }
  }

  private SSLContext tls() {
    try {
      return NodeTls.server(
          TlsFiles.in(
              tlsDirectory,
              unusable -> LOG.warn("new certificates are not used: {}", unusable.getMessage())));
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
    int bytes = Machines.socketPathBytes(podsDirectory);
    if (bytes > Machines.MAX_SOCKET_PATH_BYTES) {
      throw wrong(
          "--pods-dir: %s is %d bytes too long for the paths of sockets below it; mount it at a shorter path"
              .formatted(podsDirectory, bytes - Machines.MAX_SOCKET_PATH_BYTES));
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
