package dev.vmcheckpoint.e2e;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.vmcheckpoint.e2e.fixture.Checkpoint;
import dev.vmcheckpoint.e2e.fixture.Cluster;
import dev.vmcheckpoint.e2e.fixture.Disk;
import dev.vmcheckpoint.e2e.fixture.Figures;
import dev.vmcheckpoint.e2e.fixture.Installation;
import dev.vmcheckpoint.e2e.fixture.Installation.Program;
import dev.vmcheckpoint.e2e.fixture.RunningMachine;
import dev.vmcheckpoint.e2e.fixture.VirtualMachine;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A tenant has a namespace and the pods in it, and a neighbour on the same node whose machine has a
 * checkpoint. Whatever he tries, nothing happens to that machine.
 */
@TestInstance(Lifecycle.PER_CLASS)
class TenantsE2E {
  @RegisterExtension static final Cluster NEIGHBOUR = new Cluster("neighbour");
  @RegisterExtension static final Cluster TENANT = new Cluster("tenant");

  private static final String MACHINE = "db-0";
  private static final int MEASURED = 20;

  private final Installation installation = new Installation(NEIGHBOUR);
  private Optional<RunningMachine> machine = Optional.empty();
  private Optional<Checkpoint> checkpoint = Optional.empty();

  @BeforeAll
  void startNeighbour() {
    machine =
        Optional.of(
            RunningMachine.start(NEIGHBOUR, VirtualMachine.named(MACHINE, Disk.qcow2("vda"))));
    checkpoint = Optional.of(Checkpoint.apply(NEIGHBOUR, "nightly", MACHINE).whenReady());
  }

  private RunningMachine victim() {
    return machine.orElseThrow();
  }

  private Checkpoint nightly() {
    return checkpoint.orElseThrow();
  }

  @AfterEach
  void nothingHappenedToTheNeighbour() {
    assertThat(victim().bitmapsButMarkers("vda")).containsExactly(nightly().bitmap("vda"));
    nightly().probe("after-" + System.nanoTime());
    assertThat(nightly().isCondition("Valid", "True")).isTrue();
  }

  /** What a tenant lays into his pod's volume in place of the monitor's socket. */
  enum Entry {
    LINK_TO_THE_NEIGHBOURS_MONITOR("ln -s %s/qmp.sock /run/qmp/qmp.sock"),
    LINK_TO_THE_CONTAINER_RUNTIME("ln -s /run/containerd/containerd.sock /run/qmp/qmp.sock"),
    LINK_TO_A_SOCKET_OF_HIS_OWN("ln -s test.sock /run/qmp/qmp.sock"),
    HARD_LINK(
        "(socat UNIX-LISTEN:/run/qmp/other.sock,fork,mode=770 /dev/null &"
            + " until ln /run/qmp/other.sock /run/qmp/qmp.sock; do :; done)"),
    FIFO("mkfifo /run/qmp/qmp.sock"),
    DIRECTORY("mkdir /run/qmp/qmp.sock"),
    FILE("touch /run/qmp/qmp.sock");

    private final String command;

    Entry(String command) {
      this.command = command;
    }

    private String label() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }

  @ParameterizedTest
  @EnumSource
  void whatIsNotHisMonitorsOwnSocketIsNotConnectedTo(Entry entry) {
    RunningMachine.start(
        TENANT,
        VirtualMachine.named(entry.label(), Disk.qcow2("vda"))
            .withoutMonitor()
            .withPreparation(entry.command.formatted(victim().volumeOnItsNode())));

    Checkpoint attempt = Checkpoint.apply(TENANT, entry.label(), entry.label());

    assertThat(attempt.whenNotReadyFor("NoMonitorSocket")).contains("qmp.sock");
  }

  /** What answers in a tenant's pod in place of a monitor, as a shell command for socat. */
  enum Monitor {
    NOTHING("sleep 100000"),
    CLOSES("true"),
    ONE_BYTE_A_SECOND("while printf [; do sleep 1; done"),
    ENDLESS_LINE("yes x | tr -d '\\n'"),
    DEEP_NESTING("yes [ | tr -d '\\n'"),
    ENDLESS_EVENTS("greet; yes '{\"event\":\"X\"}'"),
    ENDLESS_REPLIES("greet; yes '{\"return\":{},\"id\":1}'"),
    INVALID_UTF_8("greet; printf '\\377\\376\\n'; cat >/dev/null");

    private static final String GREET =
        """
        greet() {
          echo '{"QMP":{"version":{"qemu":{"major":7,"minor":2,"micro":0},"package":""},"capabilities":[]}}'
        }
        """;

    private final String script;

    Monitor(String script) {
      this.script = script;
    }

    private String label() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    private String start() {
      String encoded = Base64.getEncoder().encodeToString((GREET + script).getBytes(UTF_8));
      return "echo %s | base64 -d >/tmp/answer; ".formatted(encoded)
          + "(socat UNIX-LISTEN:/run/qmp/qmp.sock,fork,mode=770 EXEC:'sh /tmp/answer' &)";
    }
  }

  @Test
  void machinesWhoseMonitorsDoTheirWorstDoNotHoldUpANeighbour() {
    Figures.ofTimes("apply to Ready, nobody attacks", measure("alone"));
    long sidecar = installation.process(Program.SIDECAR).pid();
    for (Monitor monitor : Monitor.values()) {
      RunningMachine.start(
          TENANT,
          VirtualMachine.named(monitor.label(), Disk.qcow2("vda"))
              .withoutMonitor()
              .withPreparation(monitor.start()));
    }
    List<Checkpoint> attempts = new ArrayList<>();
    for (Monitor monitor : Monitor.values()) {
      attempts.add(Checkpoint.apply(TENANT, monitor.label(), monitor.label()));
    }
    attempts.forEach(
        attempt ->
            attempt.when(
                "refused for its monitor",
                now -> now.condition("Ready").path("reason").asText().startsWith("Monitor")));

    Figures.ofTimes("apply to Ready, %d attack".formatted(attempts.size()), measure("beside"));

    Figures.ofMemory(installation, "while %d attack".formatted(attempts.size()));
    assertThat(installation.process(Program.SIDECAR).pid()).isEqualTo(sidecar);
  }

  /** Nanoseconds that so many of the neighbour's checkpoints take, one after another. */
  private static List<Long> measure(String when) {
    List<Long> nanos = new ArrayList<>();
    for (int i = 0; i < MEASURED; i++) {
      Checkpoint.Timed timed =
          Checkpoint.timeToReady(NEIGHBOUR, "%s-%d".formatted(when, i), MACHINE);
      nanos.add(timed.nanos());
      timed.checkpoint().delete();
    }
    return nanos;
  }

  @Test
  void theNameOfTheNeighboursMachineNamesNoMachineOfHis() {
    Checkpoint attempt = Checkpoint.apply(TENANT, "by-name", MACHINE);

    attempt.whenNotReadyFor("VirtualMachineNotFound");

    attempt.delete();
  }

  @Test
  void aMachineOfTheSameNameIsHisOwn() {
    RunningMachine own =
        RunningMachine.start(TENANT, VirtualMachine.named(MACHINE, Disk.qcow2("vda")));

    Checkpoint attempt = Checkpoint.apply(TENANT, "by-label", MACHINE).whenReady();

    assertThat(own.bitmapsButMarkers("vda")).containsExactly(attempt.bitmap("vda"));
    attempt.delete();
    own.delete();
  }

  @Test
  void theStatusOfTheNeighboursCheckpointCannotBeCopied() {
    Checkpoint attempt = Checkpoint.apply(TENANT, "by-status", MACHINE);
    JsonNode stolen = nightly().status();

    assertThatThrownBy(() -> attempt.writeStatus(stolen))
        .isInstanceOf(KubernetesClientException.class)
        .hasMessageContaining("operator");

    attempt.delete();
  }
}
