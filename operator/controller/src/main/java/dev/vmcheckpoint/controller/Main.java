package dev.vmcheckpoint.controller;

import dev.vmcheckpoint.node.TlsException;
import dev.vmcheckpoint.node.TlsFiles;
import dev.vmcheckpoint.node.TlsSource;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The operator's process. What is wrong with its options or variables is one line, status 2. */
@Command(
    name = "vmcheckpoint-operator",
    mixinStandardHelpOptions = true,
    description = "Makes checkpoints of virtual machines as VirtualMachineCheckpoints ask for.")
public final class Main implements Callable<Integer> {
  private static final Logger LOG = LoggerFactory.getLogger(Main.class);
  private static final int MAX_PORT = 65_535;

  private final Map<String, String> environment;

  @Spec private CommandSpec command = CommandSpec.create();
  @Mixin private Options options = new Options();

  private Main(Map<String, String> environment) {
    this.environment = environment;
  }

  /** Starts the operator; it ends by a signal, or when it is no longer the leader. */
  public static void main(String[] arguments) {
    System.exit(commandLine(System.getenv()).execute(arguments));
  }

  /** The command line, with the given variables. */
  static CommandLine commandLine(Map<String, String> environment) {
    CommandLine line = new CommandLine(new Main(environment));
    line.setParameterExceptionHandler(
        (e, _) -> {
          PrintWriter err = e.getCommandLine().getErr();
          err.println("vmcheckpoint-operator: %s".formatted(e.getMessage()));
          err.flush();
          return ExitCode.USAGE;
        });
    line.setExecutionExceptionHandler(
        (e, _, _) -> {
          LOG.error("The operator failed", e);
          return ExitCode.SOFTWARE;
        });
    return line;
  }

  @Override
  public Integer call() throws InterruptedException {
    requirePort("--probe-port", options.probePort);
    requirePort("--sidecar-port", options.sidecarPort);
    if (options.maxCheckpointsPerDisk < 1) {
      throw wrong(
          "--max-checkpoints-per-disk: at least 1, not %d"
              .formatted(options.maxCheckpointsPerDisk));
    }
    String podName = variable("POD_NAME");
    String podNamespace = variable("POD_NAMESPACE");
    Optional<TlsSource> tls = options.tlsDirectory.map(this::files);
    Application.run(options, new Application.Self(podName, podNamespace), tls);
    return ExitCode.OK;
  }

  private void requirePort(String option, int port) {
    if (port < 1 || port > MAX_PORT) {
      throw wrong("%s: a port is 1 to 65535, not %d".formatted(option, port));
    }
  }

  private String variable(String name) {
    String value = environment.getOrDefault(name, "");
    if (value.isBlank()) {
      throw wrong(
          "the environment variable %s is not set; it is to be the operator's own pod, by the"
                  .formatted(name)
              + " downward API");
    }
    return value;
  }

  private TlsSource files(Path directory) {
    try {
      return TlsFiles.in(
          directory,
          unusable -> LOG.warn("New certificates are not used: {}", unusable.getMessage()));
    } catch (TlsException e) {
      throw wrong("--tls-dir: %s".formatted(e.getMessage()));
    }
  }

  private ParameterException wrong(String what) {
    return new ParameterException(command.commandLine(), what);
  }
}
