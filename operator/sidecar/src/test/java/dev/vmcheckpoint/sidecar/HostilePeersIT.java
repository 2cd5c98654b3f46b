package dev.vmcheckpoint.sidecar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.JsonNode;
import dev.vmcheckpoint.node.Barrier;
import dev.vmcheckpoint.node.CheckpointUid;
import dev.vmcheckpoint.node.EnsureRequest;
import dev.vmcheckpoint.node.ErrorCode;
import dev.vmcheckpoint.node.MachineReport;
import dev.vmcheckpoint.node.MutationContext;
import dev.vmcheckpoint.node.NodeApiException;
import dev.vmcheckpoint.node.ObserveRequest;
import dev.vmcheckpoint.node.ObserveRequest.Target;
import dev.vmcheckpoint.node.PodUid;
import dev.vmcheckpoint.node.Problem;
import dev.vmcheckpoint.node.fixture.TestAuthority;
import dev.vmcheckpoint.node.fixture.TestAuthority.Subject;
import dev.vmcheckpoint.qmp.fixture.Qemu;
import dev.vmcheckpoint.qmp.fixture.Tool;
import dev.vmcheckpoint.sidecar.fixture.ContainerLimits;
import dev.vmcheckpoint.sidecar.fixture.FakeMonitor;
import dev.vmcheckpoint.sidecar.fixture.FakeMonitor.Client;
import dev.vmcheckpoint.sidecar.fixture.PodsDirectory;
import dev.vmcheckpoint.sidecar.fixture.SidecarProcess;
import dev.vmcheckpoint.sidecar.fixture.Threads;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Several machines of a node whose monitors do their worst at once, and a real one beside them that
 * is served all the while, by a sidecar that has no more memory than in its container. How long
 * that one waited is printed; what is asserted is what holds by design: each look and each call
 * ends within the time that the sidecar was given for it, for otherwise it would have failed, and
 * the sidecar never takes more than its container may.
 */
@TestInstance(Lifecycle.PER_CLASS)
final class HostilePeersIT {
  private static final int ATTACKERS = 16;
  private static final PodUid WELL = new PodUid("a1");
  private static final CheckpointUid CHECKPOINT = new CheckpointUid("c1");
  private static final Duration ATTACK_TIME = Duration.ofSeconds(2);
  private static final Duration CHANGE_TIME = Duration.ofSeconds(10);
  private static final String MEBIBYTE = "x".repeat(1 << 20);

  private final PodsDirectory pods = PodsDirectory.create();
  private final Path volume = pods.volume(WELL);
  private final Qemu well =
      Qemu.in(volume).disk("vda", Tool.qcow2(volume.resolve("a.qcow2"))).start();
  private final SidecarProcess sidecar = start();

  @BeforeAll
  void measureForComparison() throws IOException {
    Waits waits = new Waits();
    // The first ones also load what the later ones use.
    for (int look = 0; look < 50; look++) {
      serveTheWell(new Waits());
    }
    for (int look = 0; look < 50; look++) {
      serveTheWell(waits);
    }
    print("nobody", waits);
  }

  private SidecarProcess start() {
    TestAuthority authority = new TestAuthority();
    Path tls = authority.secret(pods.beside("tls"), Subject.SIDECAR);
    return SidecarProcess.startAsInItsContainer(authority, pods, tls);
  }

  @AfterAll
  void stop() {
    sidecar.close();
    well.close();
    pods.close();
  }

  /** What a monitor does from its greeting on. */
  enum Attack implements FakeMonitor.Script {
    NOTHING {
      @Override
      public void play(Client client) throws IOException {
        client.hang();
      }
    },
    ENDLESS_GREETING {
      @Override
      public void play(Client client) throws IOException {
        client.sendPart("{\"QMP\": \"");
        repeat(client, 1024, MEBIBYTE);
      }
    },
    LINE_OF_A_GIBIBYTE {
      @Override
      void attack(Client client) throws IOException {
        client.sendPart("{\"return\": \"");
        repeat(client, 1024, MEBIBYTE);
      }
    },
    DEEP_NESTING {
      @Override
      void attack(Client client) throws IOException {
        repeat(client, 10, "[".repeat(1 << 20));
      }
    },
    EMPTY_OBJECTS {
      @Override
      void attack(Client client) throws IOException {
        client.sendPart("[");
        repeat(client, 16, "{},".repeat(1 << 18));
        client.send("{}]");
      }
    },
    ONE_BYTE_A_SECOND {
      @Override
      void attack(Client client) throws IOException {
        while (true) {
          client.sendPart("[");
          pause();
        }
      }
    },
    ENDLESS_EVENTS {
      @Override
      void attack(Client client) throws IOException {
        repeat(client, Integer.MAX_VALUE, "{\"event\": \"X\"}\n".repeat(10_000));
      }
    },
    ENDLESS_LARGE_EVENTS {
      @Override
      void attack(Client client) throws IOException {
        String event = "{\"event\": [" + "{},".repeat(100_000) + "{}]}\n";
        repeat(client, Integer.MAX_VALUE, event);
      }
    },
    ENDLESS_REPLIES_TO_OTHERS {
      @Override
      void attack(Client client) throws IOException {
        repeat(client, Integer.MAX_VALUE, "{\"return\": {}, \"id\": 1}\n".repeat(10_000));
      }
    },
    REPLIES_UNDER_WRONG_IDS {
      @Override
      void answerWrongly(Client client, JsonNode command) throws IOException {
        String id = command.get("id").textValue();
        String replies =
            Stream.of(
                    "\"%s0\"".formatted(id),
                    "\"%s\"".formatted(id.substring(1)),
                    "\"%s\"".formatted(id.toUpperCase(Locale.ROOT)),
                    "[\"%s\"]".formatted(id),
                    "{\"id\": \"%s\"}".formatted(id),
                    "null")
                .map("{\"return\": {\"status\": \"running\"}, \"id\": %s}\n"::formatted)
                .collect(Collectors.joining());
        repeat(client, Integer.MAX_VALUE, replies.repeat(1_000));
      }
    },
    ONE_REPLY_WITHOUT_END {
      @Override
      void answerWrongly(Client client, JsonNode command) throws IOException {
        String reply = "{\"return\": {\"status\": \"running\"}, \"id\": %s}\n";
        repeat(client, Integer.MAX_VALUE, reply.formatted(command.get("id")).repeat(1_000));
      }
    },
    INVALID_UTF_8 {
      @Override
      void answerWrongly(Client client, JsonNode command) throws IOException {
        client.sendPart("{\"id\": %s, \"return\": \"".formatted(command.get("id")));
        client.sendBytes(new byte[] {(byte) 0xc0, (byte) 0x80, (byte) 0xff});
        client.send("\"}");
      }
    },
    MANY_DISKS_OF_ONE_IMAGE_WITH_MANY_BITMAPS {
      @Override
      void answerWrongly(Client client, JsonNode command) throws IOException {
        client.answer(command, disksOfOneImage(2_000));
        client.answerQueries(
            Map.of("query-named-block-nodes", nodeWithBitmaps("f".repeat(60_000), 600)));
      }

      @Override
      String lastCommand() {
        return "query-blockstats";
      }
    },
    MILLIONS_OF_BITMAPS {
      @Override
      void attack(Client client) throws IOException {
        client.sendPart("{\"return\": [{\"node-name\": \"n\", \"dirty-bitmaps\": [");
        repeat(client, 1000, (bitmap("vmcp-c1.a.vda") + ",").repeat(10_000));
      }

      @Override
      String lastCommand() {
        return "query-named-block-nodes";
      }
    };

    @Override
    public void play(Client client) throws IOException {
      client.greet();
      answerWrongly(client, client.answerUpTo(lastCommand()));
    }

    void answerWrongly(Client client, JsonNode command) throws IOException {
      attack(client);
    }

    void attack(Client client) throws IOException {
      client.hang();
    }

    /** The command in place of whose answer something else comes. */
    String lastCommand() {
      return "query-status";
    }

    private static void repeat(Client client, int times, String text) throws IOException {
      for (int i = 0; i < times; i++) {
        client.sendPart(text);
      }
    }

    /** The answer to query-blockstats, of that many devices. */
    private static String disksOfOneImage(int disks) {
      return IntStream.range(0, disks)
          .mapToObj("{\"qdev\": \"d%d\", \"node-name\": \"n\"}"::formatted)
          .collect(Collectors.joining(",", "[", "]"));
    }

    /** The answer to query-named-block-nodes, of one image. */
    private static String nodeWithBitmaps(String file, int bitmaps) {
      return node(
          file,
          IntStream.range(0, bitmaps)
              .mapToObj(i -> bitmap("vmcp-%s.a%d.vda".formatted(CHECKPOINT, i)))
              .collect(Collectors.joining(",")));
    }

    private static String node(String file, String bitmaps) {
      return """
      [{"node-name": "n", "drv": "qcow2", "file": "%s", "ro": false, "dirty-bitmaps": [%s],
        "image": {"virtual-size": 1048576,
          "format-specific": {"type": "qcow2", "data": {"compat": "1.1"}}}}]
      """
          .formatted(file, bitmaps)
          .replace("\n", " ");
    }

    private static String bitmap(String name) {
      return """
      {"name": "%s", "recording": true, "persistent": true, "busy": false, \
      "granularity": 65536, "count": 0}"""
          .formatted(name);
    }

    private static void pause() throws IOException {
      try {
        Thread.sleep(Duration.ofSeconds(1));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException(e);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void othersAreServedMeanwhile(Attack attack) throws Exception {
    List<PodUid> attackers = attackers();
    List<Target> all = Stream.concat(attackers.stream(), Stream.of(WELL)).map(Target::new).toList();

    List<MachineReport> reports =
        serveTheWellDuring(
            attack.name(), attack, () -> sidecar.api().observe(new ObserveRequest(all)).machines());

    reports.forEach(HostilePeersIT::assertServed);
  }

  /** What is done for a tenant's own checkpoint is no way to take the processors from others. */
  @Test
  void othersAreServedWhileCheckpointsWithVeryManyBitmapsAreRemoved() throws Exception {
    Map<String, String> shown =
        Map.of(
            "query-blockstats",
            "[{\"qdev\": \"vda\", \"node-name\": \"n\"}]",
            "query-named-block-nodes",
            Attack.nodeWithBitmaps("a.qcow2", 3_000));

    List<Problem> problems =
        serveTheWellDuring(
            "REMOVAL_OF_3000_BITMAPS",
            client -> {
              client.greet();
              client.answerQueries(shown);
            },
            () ->
                problemsOf(
                    machine ->
                        sidecar.api().removeCheckpoint(machine, CHECKPOINT, context(ATTACK_TIME))));

    assertThat(problems)
        .extracting(Problem::code)
        .isSubsetOf(
            ErrorCode.DeadlineExceeded.name(),
            ErrorCode.OutcomeUnknown.name(),
            ErrorCode.MonitorTimeout.name());
  }

  /** What was observed before is compared with what is there. */
  @Test
  void othersAreServedWhileCheckpointsAreMadeOfManyDisksThatShowOneLongName() throws Exception {
    Map<String, String> shown =
        Map.of(
            "query-blockstats", Attack.disksOfOneImage(250),
            "query-named-block-nodes",
                Attack.node(
                    "a.qcow2",
                    Attack.bitmap("vmcp-%s.%s.vda".formatted(CHECKPOINT, "a".repeat(60_000)))));

    List<Problem> problems =
        serveTheWellDuring(
            "CREATION_ON_250_DISKS_OF_ONE_IMAGE",
            client -> {
              client.greet();
              client.answerQueries(shown);
            },
            () -> problemsOf(this::makeACheckpointOfOthers));

    assertThat(problems)
        .extracting(Problem::code)
        .isSubsetOf(
            ErrorCode.StaleObservation.name(),
            ErrorCode.DeadlineExceeded.name(),
            ErrorCode.OutcomeUnknown.name(),
            ErrorCode.MonitorTimeout.name());
  }

  private void makeACheckpointOfOthers(PodUid machine) {
    EnsureRequest request =
        new EnsureRequest(
            List.of("d0"), Optional.empty(), Barrier.None, Optional.of("0".repeat(64)));
    sidecar.api().ensureCheckpoint(machine, CHECKPOINT, request, context(ATTACK_TIME));
  }

  private static List<PodUid> attackers() {
    return IntStream.range(0, ATTACKERS).mapToObj(i -> new PodUid("b" + i)).toList();
  }

  /** What comes of a call on each of the attackers, all at once. */
  private static List<Problem> problemsOf(Consumer<PodUid> call) {
    List<CompletableFuture<Problem>> calls =
        attackers().stream()
            .map(machine -> Threads.start(() -> problemOf(() -> call.accept(machine))))
            .toList();
    return calls.stream().map(CompletableFuture::join).toList();
  }

  private static Problem problemOf(ThrowingCallable call) {
    return catchThrowableOfType(NodeApiException.Answered.class, call).problem();
  }

  /** Attacks, and serves the other machine until the attack has ended. */
  private <T> T serveTheWellDuring(String name, FakeMonitor.Script script, Callable<T> attack)
      throws Exception {
    List<FakeMonitor> monitors =
        attackers().stream().map(machine -> FakeMonitor.at(pods.socket(machine), script)).toList();
    try {
      CompletableFuture<T> attacked = Threads.start(attack);
      Waits waits = new Waits();
      do {
        serveTheWell(waits);
      } while (!attacked.isDone());

      print("%s by %d".formatted(name, ATTACKERS), waits);
      assertThat(sidecar.peakMemory()).isLessThan(ContainerLimits.memoryKibibytes());
      return attacked.get();
    } finally {
      for (FakeMonitor monitor : monitors) {
        monitor.close();
      }
      for (PodUid machine : attackers()) {
        pods.remove(machine);
      }
    }
  }

  /** How long the machine beside the attackers waited, in milliseconds. */
  private record Waits(List<Long> looks, List<Long> checkpoints) {
    Waits() {
      this(new ArrayList<>(), new ArrayList<>());
    }
  }

  private void print(String attack, Waits waits) throws IOException {
    System.out.printf(
        "FIGURE %s: another machine waited for %d looks %s, for %d checkpoints %s;"
            + " peak memory of the sidecar %d MiB of %d%n",
        attack,
        waits.looks().size(),
        medianAndMost(waits.looks()),
        waits.checkpoints().size(),
        medianAndMost(waits.checkpoints()),
        sidecar.peakMemory() >> 10,
        ContainerLimits.memoryKibibytes() >> 10);
  }

  private static String medianAndMost(List<Long> millis) {
    List<Long> sorted = millis.stream().sorted().toList();
    return "%d ms, at most %d ms".formatted(sorted.get(sorted.size() / 2), sorted.getLast());
  }

  private static void assertServed(MachineReport report) {
    if (report.podUID().equals(WELL)) {
      assertThat(report).isInstanceOf(MachineReport.Observed.class);
    } else {
      assertThat(((MachineReport.Failed) report).error().code())
          .isIn(
              ErrorCode.MonitorProtocol.name(),
              ErrorCode.MonitorTimeout.name(),
              ErrorCode.MonitorBusy.name(),
              ErrorCode.DeadlineExceeded.name());
    }
  }

  /** Looks at it, and makes and removes a checkpoint. */
  private void serveTheWell(Waits waits) {
    waits.looks().add(millisOf(this::lookAtTheWell));
    waits.checkpoints().add(millisOf(this::makeAndRemoveACheckpoint));
  }

  private static long millisOf(Runnable call) {
    long begin = System.nanoTime();
    call.run();
    return Duration.ofNanos(System.nanoTime() - begin).toMillis();
  }

  private void lookAtTheWell() {
    assertServed(
        sidecar.api().observe(new ObserveRequest(List.of(new Target(WELL)))).machines().getFirst());
  }

  private void makeAndRemoveACheckpoint() {
    EnsureRequest request =
        new EnsureRequest(List.of("vda"), Optional.empty(), Barrier.Flush, Optional.empty());
    assertThat(
            sidecar.api().ensureCheckpoint(WELL, CHECKPOINT, request, context(CHANGE_TIME)).disks())
        .hasSize(1);
    assertThat(sidecar.api().removeCheckpoint(WELL, CHECKPOINT, context(CHANGE_TIME)).removed())
        .hasSize(1);
  }

  private MutationContext context(Duration time) {
    String startId = sidecar.api().observe(new ObserveRequest(List.of())).startId();
    return new MutationContext(startId, 1, time.toMillis());
  }
}
