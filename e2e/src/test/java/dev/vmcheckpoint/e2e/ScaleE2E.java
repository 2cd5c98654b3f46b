package dev.vmcheckpoint.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.vmcheckpoint.e2e.fixture.Checkpoint;
import dev.vmcheckpoint.e2e.fixture.Cluster;
import dev.vmcheckpoint.e2e.fixture.Disk;
import dev.vmcheckpoint.e2e.fixture.Figures;
import dev.vmcheckpoint.e2e.fixture.Installation;
import dev.vmcheckpoint.e2e.fixture.RunningMachine;
import dev.vmcheckpoint.e2e.fixture.VirtualMachine;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Many checkpoints, and what they cost those who made them and those who did not. */
@Tag("long")
class ScaleE2E {
  @RegisterExtension static final Cluster CLUSTER = new Cluster("scale");

  private static final int THOUSAND = 1000;
  private static final int FLOOD = 10_000;
  private static final int MEASURED = 20;
  private static final int MEASURED_MEANWHILE = 3;

  /** Calls that somebody makes at once who wants to be quick. */
  private static final int AT_ONCE = 16;

  private static final Duration LONG = Duration.ofMinutes(15);

  private final Installation installation = new Installation(CLUSTER);

  @Test
  void aThousandCheckpointsAreMadeVerifiedAndDeleted() {
    List<String> disks = List.of("vda", "vdb", "vdc", "vdd", "vde", "vdf", "vdg", "vdh");
    RunningMachine machine =
        RunningMachine.start(
            CLUSTER,
            VirtualMachine.named("thousand", disks.stream().map(Disk::qcow2).toArray(Disk[]::new)));
    Figures.ofMemory(installation, "before");
    long begin = System.nanoTime();
    List<Checkpoint> checkpoints = new ArrayList<>();
    try (ExecutorService callers = Executors.newFixedThreadPool(AT_ONCE)) {
      List<CompletableFuture<Checkpoint>> applied =
          IntStream.range(0, THOUSAND)
              .mapToObj(
                  i ->
                      CompletableFuture.supplyAsync(
                          () ->
                              Checkpoint.apply(
                                  CLUSTER,
                                  "thousand-" + i,
                                  "thousand",
                                  "disks: [{name: %s}]".formatted(disks.get(i % disks.size()))),
                          callers))
              .toList();
      applied.forEach(each -> checkpoints.add(each.join()));
    }

    awaitThatAll(checkpoints, "Ready", checkpoint -> checkpoint.isCondition("Ready", "True"));
    Figures.print(
        "1000 checkpoints on one machine", (System.nanoTime() - begin) / 1_000_000_000, "s");
    checkpoints.getFirst().probe("with-a-thousand");

    Figures.ofMemory(installation, "with 1000 checkpoints");
    assertThat(machine.bitmapsButMarkers("vda")).hasSize(THOUSAND / disks.size());
    long deletion = System.nanoTime();
    checkpoints.forEach(Checkpoint::beginToDelete);
    awaitThatAll(checkpoints, "gone", checkpoint -> !checkpoint.isThere());
    Figures.print("their deletion", (System.nanoTime() - deletion) / 1_000_000_000, "s");
    disks.forEach(disk -> assertThat(machine.bitmaps(disk)).isEmpty());
  }

  private static void awaitThatAll(
      List<Checkpoint> checkpoints, String what, Predicate<Checkpoint> holds) {
    List<Checkpoint> pending = new ArrayList<>(checkpoints);
    await("all being " + what)
        .atMost(LONG)
        .until(
            () -> {
              pending.removeIf(holds);
              return pending.isEmpty();
            });
  }

  @Test
  void oneTenantsFloodDoesNotHoldUpAnother() {
    RunningMachine.start(CLUSTER, VirtualMachine.named("vm", Disk.qcow2("vda")));
    Figures.ofTimes("apply to Ready, alone", measure("alone", MEASURED));
    Cluster tenant = new Cluster("flood");
    tenant.makeNamespace();
    try {
      flood(tenant);
      Figures.ofTimes("apply to Ready, beside 10000 others", measure("beside", MEASURED));
      Figures.ofMemory(installation, "beside 10000 checkpoints");
    } finally {
      tenant.deleteNamespace(LONG);
    }
  }

  private static void flood(Cluster tenant) {
    AtomicInteger made = new AtomicInteger();
    try (ExecutorService callers = Executors.newFixedThreadPool(AT_ONCE)) {
      IntStream.range(0, FLOOD)
          .forEach(
              i ->
                  callers.execute(
                      () -> {
                        Checkpoint.apply(tenant, "flood-" + i, "none");
                        made.incrementAndGet();
                      }));
      await("the flood having begun").atMost(Cluster.PATIENCE).until(() -> made.get() > THOUSAND);

      List<Long> during = new ArrayList<>();
      while (made.get() < FLOOD && during.size() < MEASURED) {
        during.addAll(measure("during-%d".formatted(during.size()), 1));
      }

      assertThat(during).hasSizeGreaterThanOrEqualTo(MEASURED_MEANWHILE);
      Figures.ofTimes("apply to Ready, during a flood", during);
    }
    assertThat(made).hasValue(FLOOD);
  }

  /** Nanoseconds that so many of the other tenant's checkpoints take, one after another. */
  private static List<Long> measure(String when, int times) {
    List<Long> nanos = new ArrayList<>();
    for (int i = 0; i < times; i++) {
      Checkpoint.Timed timed = Checkpoint.timeToReady(CLUSTER, "%s-%d".formatted(when, i), "vm");
      nanos.add(timed.nanos());
      timed.checkpoint().delete();
    }
    return nanos;
  }
}
