package dev.vmcheckpoint.controller;

import dev.vmcheckpoint.api.WellKnown;
import dev.vmcheckpoint.controller.fixture.ApiCalls;
import dev.vmcheckpoint.controller.fixture.TestCluster;
import dev.vmcheckpoint.controller.lead.LeaseLeadership;
import dev.vmcheckpoint.controller.observe.CacheGuard;
import dev.vmcheckpoint.controller.schedule.FairExecutor;
import dev.vmcheckpoint.node.NodeApi;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.javaoperatorsdk.operator.Operator;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;

/**
 * The operator as its process runs it, with the rights of its service account and elected by its
 * lease; only the way to the sidecars is the test's.
 */
final class OperatorProcess implements AutoCloseable {
  static final Duration POLL_INTERVAL = Duration.ofMillis(500);
  static final Duration DELETION_TIMEOUT = Duration.ofSeconds(4);
  private static final Duration CACHES_COMPARED_EVERY = Duration.ofSeconds(2);

  /** A second label by which pods may say which machine they run. */
  static final String OTHER_LABEL = "example.com/machine";

  private final TestCluster cluster;
  private final ApiCalls calls = new ApiCalls();
  private final MeterRegistry meters = new SimpleMeterRegistry();
  private final KubernetesClient client;
  private final LeaseLeadership leadership;
  private final List<String> alarms = new CopyOnWriteArrayList<>();
  private final CacheGuard guard = new CacheGuard(alarms::add);
  private final Operator operator;

  private OperatorProcess(TestCluster cluster, Config config, Executor executor, Clock clock) {
    this.cluster = cluster;
    Options options = new Options();
    options.pollInterval = POLL_INTERVAL;
    options.deletionTimeout = DELETION_TIMEOUT;
    options.virtualMachineLabels = List.of(WellKnown.VIRTUAL_MACHINE_LABEL, OTHER_LABEL);
    client =
        Application.clientBuilder(options)
            .withConfig(config)
            .withTaskExecutor(executor)
            .withHttpClientBuilderConsumer(http -> http.addOrReplaceInterceptor("calls", calls))
            .build();
    String podName = "operator-" + UUID.randomUUID();
    leadership = new LeaseLeadership(client, cluster.operatorNamespace(), podName);
    FairExecutor reconciliations = Application.executor();
    operator =
        Application.operator(
            client,
            reconciliations,
            Application.reconciler(
                client,
                (node, _) -> sidecarOf(node),
                leadership,
                guard,
                options,
                new Application.Self(podName, cluster.operatorNamespace()),
                meters,
                reconciliations,
                clock),
            meters,
            configuration ->
                configuration.withLeaderElectionConfiguration(
                    leadership.configuration(() -> alarms.add("leadership is lost"))));
  }

  /** A process that is no more calls nobody. */
  private NodeApi sidecarOf(String node) {
    calls.refuseIfCut();
    return cluster.sidecar(node);
  }

  /** Starts an operator and waits until it leads. */
  static OperatorProcess start(TestCluster cluster) {
    return start(cluster, cluster.operatorConfig());
  }

  /** Starts an operator that reaches the API server in a given way. */
  static OperatorProcess start(TestCluster cluster, Config config) {
    return start(cluster, config, Executors.newVirtualThreadPerTaskExecutor());
  }

  /** Starts an operator that takes in the API server's events on a given executor. */
  static OperatorProcess start(TestCluster cluster, Config config, Executor executor) {
    return start(new OperatorProcess(cluster, config, executor, Clock.systemUTC()));
  }

  /** Starts an operator to which it is another time. */
  static OperatorProcess start(TestCluster cluster, Clock clock) {
    return start(
        new OperatorProcess(
            cluster, cluster.operatorConfig(), Executors.newVirtualThreadPerTaskExecutor(), clock));
  }

  private static OperatorProcess start(OperatorProcess started) {
    started.operator.start();
    started.guard.start(CACHES_COMPARED_EVERY);
    TestCluster.awaitThat("leadership", started.leadership::isLeading);
    return started;
  }

  /** What it writes to the API server. */
  ApiCalls calls() {
    return calls;
  }

  /** What a counter of its metrics has come to. */
  double counted(String counter) {
    return meters.get(counter).counter().count();
  }

  /** The term in which it leads. */
  long term() {
    return leadership.term();
  }

  /** How many reconciliations have failed so far. */
  double failures() {
    return meters.counter("vmcheckpoint.reconciliations.retried").count();
  }

  /** What would have ended it. */
  List<String> alarms() {
    return alarms;
  }

  /** It is killed, and its lease runs out. */
  void crash() {
    calls.cut();
    guard.close();
    operator.stop();
    client.close();
    cluster.letLeaseRunOut();
  }

  /** Stops it in order, as on a signal. */
  @Override
  public void close() {
    guard.close();
    leadership.resign();
    operator.stop();
    leadership.release();
    client.close();
  }
}
