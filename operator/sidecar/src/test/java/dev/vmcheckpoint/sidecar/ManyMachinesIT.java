package dev.vmcheckpoint.sidecar;

import static dev.vmcheckpoint.sidecar.fixture.Failures.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.node.Barrier;
import dev.vmcheckpoint.node.CheckpointUid;
import dev.vmcheckpoint.node.EnsureRequest;
import dev.vmcheckpoint.node.EnsureResponse;
import dev.vmcheckpoint.node.ErrorCode;
import dev.vmcheckpoint.node.MachineReport;
import dev.vmcheckpoint.node.MutationContext;
import dev.vmcheckpoint.node.ObserveRequest;
import dev.vmcheckpoint.node.ObserveRequest.Target;
import dev.vmcheckpoint.node.PodUid;
import dev.vmcheckpoint.qmp.fixture.Qemu;
import dev.vmcheckpoint.qmp.fixture.Tool;
import dev.vmcheckpoint.sidecar.fixture.PodsDirectory;
import dev.vmcheckpoint.sidecar.fixture.RunningSidecar;
import dev.vmcheckpoint.sidecar.fixture.Threads;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Two real machines, one of which hangs. */
final class ManyMachinesIT {
  private static final PodUid HUNG = new PodUid("a1");
  private static final PodUid WELL = new PodUid("b2");
  private static final CheckpointUid CHECKPOINT = new CheckpointUid("c1");
  private static final EnsureRequest REQUEST =
      new EnsureRequest(List.of("vda"), Optional.empty(), Barrier.Flush, Optional.empty());

  private final PodsDirectory pods = PodsDirectory.create();
  private final Qemu hung = start(HUNG);
  private final Qemu well = start(WELL);
  private final RunningSidecar sidecar = RunningSidecar.start(pods);

  private Qemu start(PodUid machine) {
    Path directory = pods.volume(machine);
    return Qemu.in(directory).disk("vda", Tool.qcow2(directory.resolve("a.qcow2"))).start();
  }

  @AfterEach
  void stop() {
    Tool.signal(hung.process(), "CONT");
    sidecar.close();
    hung.close();
    well.close();
    pods.close();
  }

  private EnsureResponse ensure(PodUid machine, MutationContext context) {
    return sidecar.api().ensureCheckpoint(machine, CHECKPOINT, REQUEST, context);
  }

  @Test
  void aCallOnOneIsCarriedOutWhileTheOtherHangs() throws Exception {
    MutationContext context = sidecar.leader(1, Duration.ofMinutes(1));
    Tool.signal(hung.process(), "STOP");
    CompletableFuture<EnsureResponse> hanging = Threads.start(() -> ensure(HUNG, context));

    assertThat(ensure(WELL, context).flushed()).isTrue();
    assertThat(hanging).isNotDone();

    Tool.signal(hung.process(), "CONT");
    assertThat(hanging.get(30, TimeUnit.SECONDS).flushed()).isTrue();
  }

  @Test
  void aLookAtBothShowsOneAndSaysWhyNotTheOther() {
    Tool.signal(hung.process(), "STOP");

    try (RunningSidecar impatient = RunningSidecar.impatient(pods)) {
      List<MachineReport> reports =
          impatient
              .api()
              .observe(new ObserveRequest(List.of(new Target(HUNG), new Target(WELL))))
              .machines();

      assertThat(reports).extracting(MachineReport::podUID).containsExactly(HUNG, WELL);
      assertThat(reports.getFirst()).isInstanceOf(MachineReport.Failed.class);
      assertThat(reports.getLast()).isInstanceOf(MachineReport.Observed.class);
    }
  }

  @Test
  void reportsComeInTheOrderAsked() {
    PodUid nobody = new PodUid("c3");

    List<MachineReport> reports =
        sidecar
            .api()
            .observe(
                new ObserveRequest(List.of(new Target(nobody), new Target(WELL), new Target(HUNG))))
            .machines();

    assertThat(reports).extracting(MachineReport::podUID).containsExactly(nobody, WELL, HUNG);
  }

  @Test
  void theWaitForAnotherCallOnTheSameMachineCountsAgainstTheDeadline() throws Exception {
    MutationContext context = sidecar.leader(1, Duration.ofMinutes(1));
    MutationContext impatient = sidecar.leader(1, Duration.ofMillis(200));
    Tool.signal(hung.process(), "STOP");
    CompletableFuture<EnsureResponse> first = Threads.start(() -> ensure(HUNG, context));
    sidecar.awaitCallsInProgress(1);

    assertRefused(ErrorCode.DeadlineExceeded, () -> ensure(HUNG, impatient));

    Tool.signal(hung.process(), "CONT");
    first.get(30, TimeUnit.SECONDS);
  }

  @Test
  void aLeaderThatWasReplacedWhileItWaitedChangesNothing() throws Exception {
    MutationContext old = sidecar.leader(1, Duration.ofMinutes(1));
    MutationContext newer = sidecar.leader(2, Duration.ofMinutes(1));
    Tool.signal(hung.process(), "STOP");
    CompletableFuture<EnsureResponse> first = Threads.start(() -> ensure(HUNG, old));
    sidecar.awaitCallsInProgress(1);
    CompletableFuture<EnsureResponse> waiting = Threads.start(() -> ensure(HUNG, old));
    sidecar.awaitCallsInProgress(2);

    ensure(WELL, newer);

    Tool.signal(hung.process(), "CONT");
    first.get(30, TimeUnit.SECONDS);
    assertRefused(ErrorCode.StaleLeaderTerm, () -> Threads.result(waiting));
  }
}
