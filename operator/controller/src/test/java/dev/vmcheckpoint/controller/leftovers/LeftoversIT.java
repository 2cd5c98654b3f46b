package dev.vmcheckpoint.controller.leftovers;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.controller.decide.Leftover;
import dev.vmcheckpoint.controller.fixture.LeftoverRecords;
import dev.vmcheckpoint.controller.fixture.TestCluster;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Many write at once, to a real API server, with the rights of the operator. */
final class LeftoversIT {
  private static final int MANY = 64;

  @RegisterExtension static final TestCluster CLUSTER = new TestCluster();

  private KubernetesClient client = new KubernetesClientBuilder().build();
  private LeftoverStore store = new LeftoverStore(client, "");
  private Leftovers leftovers = over(store);

  @BeforeEach
  void connect() {
    client.close();
    client = new KubernetesClientBuilder().withConfig(CLUSTER.operatorConfig()).build();
    store = new LeftoverStore(client, CLUSTER.operatorNamespace());
    leftovers = over(store);
    // Other tests' operators record there, too.
    new LeftoverRecords(CLUSTER).clear();
  }

  @AfterEach
  void disconnect() {
    new LeftoverRecords(CLUSTER).clear();
    client.close();
  }

  @Test
  void whatManyRecordAtOnceInOneConfigMapIsAllThere() throws Exception {
    List<Leftover> flood = flood();

    atOnce(flood, leftovers::record);

    assertThat(store.load()).containsExactlyInAnyOrderElementsOf(flood);
    assertThat(leftovers.all()).containsExactlyInAnyOrderElementsOf(flood);
  }

  @Test
  void whatIsSettledByManyAtOnceIsAllGone() throws Exception {
    List<Leftover> flood = flood();
    flood.forEach(leftovers::record);

    atOnce(flood, leftovers::settled);

    assertThat(store.load()).isEmpty();
    assertThat(leftovers.all()).isEmpty();
  }

  private interface Write {
    void about(Leftover leftover);
  }

  private static void atOnce(List<Leftover> all, Write write) throws Exception {
    CountDownLatch allAreThere = new CountDownLatch(all.size());
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Boolean>> writes =
          all.stream()
              .map(
                  leftover ->
                      threads.submit(
                          () -> {
                            allAreThere.countDown();
                            allAreThere.await();
                            write.about(leftover);
                            return true;
                          }))
              .toList();
      for (Future<Boolean> one : writes) {
        assertThat(one.get()).isTrue();
      }
    }
  }

  /** Of one machine, so that all are in one ConfigMap. */
  private static List<Leftover> flood() {
    return IntStream.range(0, MANY)
        .mapToObj(i -> new Leftover("%04x".formatted(i), "shop", "flood", i, false, List.of()))
        .toList();
  }

  private static Leftovers over(LeftoverStore store) {
    return new Leftovers(store, (_, _) -> {}, new SimpleMeterRegistry());
  }
}
