package dev.vmcheckpoint.controller;

import dev.vmcheckpoint.api.WellKnown;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Option;

/** The command line's options; their defaults fit the manifests. */
final class Options {
  @Option(
      names = "--tls-dir",
      paramLabel = "DIR",
      description =
          "tls.crt, tls.key and ca.crt for the calls to sidecars; without it the operator has an"
              + " authority of its own and signs for sidecars.")
  Optional<Path> tlsDirectory = Optional.empty();

  @Option(
      names = "--poll-interval",
      paramLabel = "TIME",
      defaultValue = "10s",
      converter = Durations.class,
      description = "Time between two looks at all machines with checkpoints (default: 10s).")
  Duration pollInterval = Duration.ofSeconds(10);

  @Option(
      names = "--deletion-timeout",
      paramLabel = "TIME",
      defaultValue = "10m",
      converter = Durations.class,
      description =
          "How long a deletion waits for bitmaps to be removed before it leaves them behind"
              + " (default: 10m).")
  Duration deletionTimeout = Duration.ofMinutes(10);

  @Option(
      names = "--max-checkpoints-per-disk",
      paramLabel = "N",
      defaultValue = "128",
      description = "The most checkpoints that a disk may have (default: 128).")
  int maxCheckpointsPerDisk = 128;

  @Option(
      names = "--virtual-machine-label",
      paramLabel = "KEY",
      defaultValue = WellKnown.VIRTUAL_MACHINE_LABEL,
      description =
          "Key of the label by which a pod says which virtual machine it runs; may be given several"
              + " times (default: vmcheckpoint.dev/virtual-machine).")
  List<String> virtualMachineLabels = List.of(WellKnown.VIRTUAL_MACHINE_LABEL);

  @Option(
      names = "--sidecar-namespace",
      paramLabel = "NAME",
      defaultValue = "vmcheckpoint-node",
      description = "The namespace of the sidecars (default: vmcheckpoint-node).")
  String sidecarNamespace = "vmcheckpoint-node";

  @Option(
      names = "--sidecar-port",
      paramLabel = "PORT",
      defaultValue = "8443",
      description = "TCP port that every sidecar listens on (default: 8443).")
  int sidecarPort = 8443;

  @Option(
      names = "--probe-port",
      paramLabel = "PORT",
      defaultValue = "8080",
      description = "Port of /healthz, /readyz and /metrics (default: 8080).")
  int probePort = 8080;
}
