package dev.vmcheckpoint.controller;

import dev.vmcheckpoint.api.WellKnown;
import dev.vmcheckpoint.controller.fixture.ApiCalls;
import dev.vmcheckpoint.controller.fixture.TestCluster;
import dev.vmcheckpoint.controller.lead.LeaseLeadership;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.javaoperatorsdk.operator.Operator;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.UUID;

/**
 * The operator as its process runs it, with the rights of its service account and elected by its
 * lease; only the way to the sidecars is the test's.
 */
final class OperatorProcess implements AutoCloseable {
  static final Duration POLL_INTERVAL = Duration.ofMillis(500);
  static final Duration DELETION_TIMEOUT = Duration.ofSeconds(4);

  /** A second label by which pods may say which machine they run. */
  static final String OTHER_LABEL = "example.com/machine";

  private final ApiCalls calls = new ApiCalls();
  private final KubernetesClient client;
  private final LeaseLeadership leadership;
  private final Operator operator;

  private OperatorProcess(TestCluster cluster, Config config) {
    client =
        new KubernetesClientBuilder()
            .withConfig(config)
            .withHttpClientBuilderConsumer(http -> http.addOrReplaceInterceptor("calls", calls))
            .build();
    Options options = new Options();
    options.pollInterval = POLL_INTERVAL;
    options.deletionTimeout = DELETION_TIMEOUT;
    options.virtualMachineLabels = List.of(WellKnown.VIRTUAL_MACHINE_LABEL, OTHER_LABEL);
    String podName = "operator-" + UUID.randomUUID();
    leadership = new LeaseLeadership(client, cluster.operatorNamespace(), podName);
    operator =
        Application.operator(
            client,
            Application.reconciler(
                client,
                (node, _) -> cluster.sidecar(node),
                leadership,
                options,
                podName,
                Clock.systemUTC()),
            configuration ->
                configuration.withLeaderElectionConfiguration(leadership.configuration(() -> {})));
  }

  /** Starts an operator and waits until it leads. */
  static OperatorProcess start(TestCluster cluster) {
    return start(cluster, cluster.operatorConfig());
  }

  /** Starts an operator that reaches the API server in a given way. */
  static OperatorProcess start(TestCluster cluster, Config config) {
    OperatorProcess started = new OperatorProcess(cluster, config);
    started.operator.start();
    TestCluster.awaitThat("leadership", started.leadership::isLeading);
    return started;
  }

  /** What it writes to the API server. */
  ApiCalls calls() {
    return calls;
  }

  /** The term in which it leads. */
  long term() {
    return leadership.term();
  }

  /** Stops it in order, as on a signal. */
  @Override
  public void close() {
    leadership.resign();
    operator.stop();
    leadership.release();
    client.close();
  }
}
