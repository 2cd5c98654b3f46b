package dev.vmcheckpoint.sidecar;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.node.ErrorCode;
import dev.vmcheckpoint.node.MachineReport;
import dev.vmcheckpoint.node.ObserveRequest;
import dev.vmcheckpoint.node.ObserveRequest.Target;
import dev.vmcheckpoint.node.PodUid;
import dev.vmcheckpoint.node.fixture.TestAuthority;
import dev.vmcheckpoint.node.fixture.TestAuthority.Subject;
import dev.vmcheckpoint.qmp.fixture.Qemu;
import dev.vmcheckpoint.qmp.fixture.Tool;
import dev.vmcheckpoint.sidecar.fixture.FakeMonitor;
import dev.vmcheckpoint.sidecar.fixture.FakeMonitor.Client;
import dev.vmcheckpoint.sidecar.fixture.PodsDirectory;
import dev.vmcheckpoint.sidecar.fixture.SidecarProcess;
import dev.vmcheckpoint.sidecar.fixture.Threads;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Several machines of a node whose monitors do their worst at once, and a real one beside them that
 * is served all the while, by a sidecar that has no more memory than in its container. How long the
 * looks at that one took is printed; what is asserted is what holds by design.
 */
@TestInstance(Lifecycle.PER_CLASS)
final class HostilePeersIT {
  private static final int ATTACKERS = 16;
  private static final int ROUNDS = 2;
  private static final PodUid WELL = new PodUid("a1");
  private static final String MEBIBYTE = "x".repeat(1 << 20);

  private final PodsDirectory pods = PodsDirectory.create();
  private final Path volume = pods.volume(WELL);
  private final Qemu well =
      Qemu.in(volume).disk("vda", Tool.qcow2(volume.resolve("a.qcow2"))).start();
  private final SidecarProcess sidecar = start();

  @BeforeAll
  void measureForComparison() {
    List<Long> millis = new ArrayList<>();
    // The first ones also load what the later ones use.
    for (int look = 0; look < 100; look++) {
      millis.add(lookAtTheWell());
    }
    print("nobody", millis.subList(50, 100));
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
    MILLIONS_OF_BITMAPS {
      @Override
      void attack(Client client) throws IOException {
        String bitmap =
            """
            {"name": "vmcp-c1.a.vda", "recording": true, "persistent": true, "busy": false, \
            "granularity": 65536, "count": 0},""";
        client.sendPart("{\"return\": [{\"node-name\": \"n\", \"dirty-bitmaps\": [");
        repeat(client, 1000, bitmap.repeat(10_000));
      }

      @Override
      String lastCommand() {
        return "query-named-block-nodes";
      }
    };

    @Override
    public void play(Client client) throws IOException {
      client.greet();
      client.answerUpTo(lastCommand());
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
    List<PodUid> attackers =
        IntStream.range(0, ATTACKERS).mapToObj(i -> new PodUid("b" + i)).toList();
    List<FakeMonitor> monitors =
        attackers.stream().map(machine -> FakeMonitor.at(pods.socket(machine), attack)).toList();
    List<Target> all = new ArrayList<>(attackers.stream().map(Target::new).toList());
    all.add(new Target(WELL));
    try {
      CompletableFuture<List<MachineReport>> attacked =
          Threads.start(
              () -> {
                List<MachineReport> reports = new ArrayList<>();
                for (int round = 0; round < ROUNDS; round++) {
                  reports.addAll(sidecar.api().observe(new ObserveRequest(all)).machines());
                }
                return reports;
              });
      List<Long> millis = new ArrayList<>();
      do {
        millis.add(lookAtTheWell());
      } while (!attacked.isDone());

      print("%s by %d".formatted(attack, ATTACKERS), millis);
      for (MachineReport report : attacked.get()) {
        assertServed(report);
      }
    } finally {
      for (FakeMonitor monitor : monitors) {
        monitor.close();
      }
      for (PodUid machine : attackers) {
        pods.remove(machine);
      }
    }
  }

  private void print(String attack, List<Long> millis) {
    List<Long> sorted = millis.stream().sorted().toList();
    try {
      System.out.printf(
          "%s: %d looks at another took %d ms, at most %d ms; peak memory of the sidecar %d MiB%n",
          attack,
          sorted.size(),
          sorted.get(sorted.size() / 2),
          sorted.getLast(),
          sidecar.peakMemory() >> 10);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
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

  private long lookAtTheWell() {
    long begin = System.nanoTime();
    MachineReport report =
        sidecar.api().observe(new ObserveRequest(List.of(new Target(WELL)))).machines().getFirst();
    assertServed(report);
    return Duration.ofNanos(System.nanoTime() - begin).toMillis();
  }
}
