package dev.vmcheckpoint.controller.certificates;

import dev.vmcheckpoint.controller.fixture.ApiCalls;
import dev.vmcheckpoint.controller.fixture.Detour;
import dev.vmcheckpoint.controller.fixture.TestCluster;
import dev.vmcheckpoint.node.TlsSource;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Clock;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** What a replica of the operator does about certificates, with the rights of its account. */
final class Replica implements AutoCloseable {
  private final KubernetesClient client;
  private final HeldLeadership leadership = new HeldLeadership();
  private final MeterRegistry meters = new SimpleMeterRegistry();
  private final List<String> refused = new CopyOnWriteArrayList<>();
  private final Certificates certificates;

  private Replica(TestCluster cluster, Clock clock, ApiCalls calls) {
    Config config = cluster.operatorConfig();
    // The client is not to hide anything by trying again itself.
    config.setRequestRetryBackoffLimit(0);
    client =
        new KubernetesClientBuilder()
            .withConfig(config)
            .withHttpClientBuilderConsumer(http -> http.addOrReplaceInterceptor("calls", calls))
            .build();
    certificates =
        new Certificates(
            client,
            new Certificates.Namespaces(cluster.operatorNamespace(), cluster.sidecarNamespace()),
            leadership,
            Certificates.AUTHORITY_LIFE,
            (_, why) -> refused.add(why),
            meters,
            clock);
  }

  /** One that only reads. */
  static Replica start(TestCluster cluster) {
    return new Replica(cluster, Clock.systemUTC(), new ApiCalls()).start();
  }

  /** One that leads from its first look on. */
  static Replica leading(TestCluster cluster) {
    return leading(cluster, Clock.systemUTC());
  }

  static Replica leading(TestCluster cluster, Clock clock) {
    return leading(cluster, clock, new ApiCalls());
  }

  /** One that reaches the API server by a way of the test's. */
  static Replica leading(TestCluster cluster, Clock clock, Detour way) {
    ApiCalls calls = new ApiCalls();
    calls.take(way);
    return leading(cluster, clock, calls);
  }

  private static Replica leading(TestCluster cluster, Clock clock, ApiCalls calls) {
    Replica replica = new Replica(cluster, clock, calls);
    replica.leadership.begins();
    return replica.start();
  }

  private Replica start() {
    certificates.start();
    return this;
  }

  /** It leads no longer. */
  void resign() {
    leadership.ends();
  }

  TlsSource source() {
    return certificates.source();
  }

  /** Waits until it has a certificate to show. */
  Replica whenReady() {
    TestCluster.awaitThat("a certificate", () -> !source().current().identities().isEmpty());
    return this;
  }

  /** Why it refused Secrets of others. */
  List<String> refused() {
    return refused;
  }

  /** How many requests it has dealt with in that way. */
  double count(String outcome) {
    return meters.counter("vmcheckpoint.signing.requests", "outcome", outcome).count();
  }

  @Override
  public void close() {
    certificates.close();
    client.close();
  }
}
