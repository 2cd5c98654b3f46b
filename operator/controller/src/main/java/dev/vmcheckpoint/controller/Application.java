package dev.vmcheckpoint.controller;

import dev.vmcheckpoint.api.VirtualMachineCheckpoint;
import dev.vmcheckpoint.api.WellKnown;
import dev.vmcheckpoint.controller.act.Actions;
import dev.vmcheckpoint.controller.act.Attempts;
import dev.vmcheckpoint.controller.act.BackOff;
import dev.vmcheckpoint.controller.certificates.Certificates;
import dev.vmcheckpoint.controller.decide.Announcement;
import dev.vmcheckpoint.controller.decide.CheckpointLimit;
import dev.vmcheckpoint.controller.lead.Leadership;
import dev.vmcheckpoint.controller.lead.LeaseLeadership;
import dev.vmcheckpoint.controller.leftovers.LeftoverStore;
import dev.vmcheckpoint.controller.leftovers.LeftoverSweep;
import dev.vmcheckpoint.controller.leftovers.Leftovers;
import dev.vmcheckpoint.controller.nodes.InFlightLimits;
import dev.vmcheckpoint.controller.nodes.MeteredNodeApi;
import dev.vmcheckpoint.controller.nodes.NodeApis;
import dev.vmcheckpoint.controller.nodes.SilentSidecars;
import dev.vmcheckpoint.controller.observe.CacheGuard;
import dev.vmcheckpoint.controller.observe.MachinePods;
import dev.vmcheckpoint.controller.observe.Observer;
import dev.vmcheckpoint.controller.observe.SidecarPods;
import dev.vmcheckpoint.controller.prune.Pages;
import dev.vmcheckpoint.controller.prune.Pruning;
import dev.vmcheckpoint.controller.report.Events;
import dev.vmcheckpoint.controller.report.Resources;
import dev.vmcheckpoint.controller.schedule.Aside;
import dev.vmcheckpoint.controller.schedule.FairExecutor;
import dev.vmcheckpoint.controller.serve.Meters;
import dev.vmcheckpoint.controller.serve.ProbeServer;
import dev.vmcheckpoint.controller.serve.ReconciliationMetrics;
import dev.vmcheckpoint.node.HttpNodeApi;
import dev.vmcheckpoint.node.NodeTls;
import dev.vmcheckpoint.node.TlsSource;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.javaoperatorsdk.operator.Operator;
import io.javaoperatorsdk.operator.api.config.ConfigurationServiceOverrider;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.time.Clock;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Puts the operator together, and takes it apart again. */
final class Application {
  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);
  private static final Duration RECONCILIATIONS_END_WITHIN = Duration.ofSeconds(10);
  private static final Duration CACHES_COMPARED_EVERY = Duration.ofMinutes(1);

  /** Each holds its resource, and up to a MiB of what it sees, in memory. */
  private static final int RECONCILIATIONS_AT_ONCE = 512;

  /** So many calls of one namespace stand before those of others at the API server. */
  private static final int RECONCILIATIONS_PER_NAMESPACE = 16;

  private static final Logger LOG = LoggerFactory.getLogger(Application.class);

  /**
   * This process.
   *
   * @param podName the name of its pod
   * @param namespace its pod's namespace
   */
  record Self(String podName, String namespace) {
    private ConfigMap configMap(String name) {
      return new ConfigMapBuilder()
          .withNewMetadata()
          .withNamespace(namespace)
          .withName(name)
          .endMetadata()
          .build();
    }
  }

  private Application() {}

  /**
   * Runs until the process is told to stop.
   *
   * @param tls for the calls to sidecars; where it is empty, the operator makes certificates itself
   */
  static void run(Options options, Self self, Optional<TlsSource> tls) throws InterruptedException {
    Shutdown shutdown = new Shutdown();
    PrometheusMeterRegistry meters = Meters.registry();
    ProbeServer probes = new ProbeServer(options.probePort, meters);
    KubernetesClient client = clientBuilder(options).build();
    LeaseLeadership leadership = new LeaseLeadership(client, self.namespace(), self.podName());
    Certificates certificates = certificates(client, leadership, options, self, meters);
    NodeApis sidecars =
        NodeApis.over(
            HttpNodeApi.newClient(
                NodeTls.client(tls.orElse(certificates.source())), CONNECT_TIMEOUT),
            options.sidecarPort);
    SilentSidecars silent = new SilentSidecars();
    CacheGuard guard = new CacheGuard(shutdown::atOnce);
    FairExecutor executor = executor();
    Operator operator =
        operator(
            client,
            executor,
            reconciler(
                client,
                (node, address) ->
                    new MeteredNodeApi(node, sidecars.at(node, address), meters, silent),
                leadership,
                guard,
                options,
                self,
                meters,
                executor,
                Clock.systemUTC()),
            meters,
            configuration ->
                configuration
                    .withLeaderElectionConfiguration(
                        leadership.configuration(() -> shutdown.atOnce("leadership is lost")))
                    .withInformerStoppedHandler(
                        (informer, e) -> {
                          if (e != null && informer.hasSynced()) {
                            shutdown.atOnce("an informer has failed: %s".formatted(e));
                          }
                        }));
    shutdown.onSignal(
        () -> {
          probes.notReady();
          certificates.close();
          guard.close();
          leadership.resign();
          operator.stop();
          leadership.release();
          client.close();
          probes.close();
        });
    try {
      if (tls.isEmpty()) {
        certificates.start();
      }
      operator.start();
    } catch (RuntimeException e) {
      shutdown.failed();
      throw e;
    }
    guard.start(CACHES_COMPARED_EVERY);
    probes.readyWhile(() -> operator.getRuntimeInfo().allEventSourcesAreHealthy());
    LOG.info("The operator has started");
    shutdown.await();
  }

  /** For a client that reads no more than the operator uses. */
  static KubernetesClientBuilder clientBuilder(Options options) {
    return new KubernetesClientBuilder()
        .withKubernetesSerialization(Pruning.serialization(options.virtualMachineLabels));
  }

  /** The operator's own certificates and authority; not yet started. */
  private static Certificates certificates(
      KubernetesClient client,
      Leadership leadership,
      Options options,
      Self self,
      MeterRegistry meters) {
    Clock clock = Clock.systemUTC();
    Events events = new Events(client, self.podName(), clock);
    return new Certificates(
        client,
        new Certificates.Namespaces(self.namespace(), options.sidecarNamespace),
        leadership,
        Certificates.AUTHORITY_LIFE,
        (secret, why) -> events.tell(secret, Announcement.authorityUnusable(why)),
        meters,
        clock);
  }

  /** The reconciler with everything that it needs. */
  static CheckpointReconciler reconciler(
      KubernetesClient client,
      NodeApis nodes,
      Leadership leadership,
      CacheGuard guard,
      Options options,
      Self self,
      MeterRegistry meters,
      Aside aside,
      Clock clock) {
    InFlightLimits limits = new InFlightLimits(aside);
    SidecarPods sidecars = new SidecarPods(options.sidecarNamespace, nodes, client);
    Pages pages = new Pages();
    MachinePods machines = new MachinePods(options.virtualMachineLabels, client, pages);
    Attempts attempts = new Attempts(clock, new BackOff(random()));
    Observer observer = new Observer(machines, sidecars, limits, client, guard);
    Actions actions = new Actions(client, pages, sidecars, limits, leadership, attempts);
    Events events = new Events(client, self.podName(), clock);
    Leftovers leftovers =
        new Leftovers(
            new LeftoverStore(client, self.namespace()),
            (configMap, dropped) ->
                events.tell(self.configMap(configMap), Announcement.forgotten(dropped)),
            meters);
    LeftoverSweep sweep =
        new LeftoverSweep(
            leftovers,
            observer,
            actions,
            new Attempts(clock, new BackOff(random())),
            leadership,
            options.pollInterval,
            clock);
    Tidier tidier = new Tidier(actions, attempts);
    Resources resources = new Resources(client);
    Reporter reporter = new Reporter(resources, events, tidier);
    CheckpointCleanup cleanup =
        new CheckpointCleanup(
            observer,
            actions,
            attempts,
            leftovers,
            resources,
            reporter,
            leadership,
            options.deletionTimeout,
            clock);
    return new CheckpointReconciler(
        observer,
        actions,
        attempts,
        tidier,
        reporter,
        cleanup,
        sweep,
        leadership,
        new CheckpointReconciler.Settings(
            options.pollInterval, new CheckpointLimit(options.maxCheckpointsPerDisk)),
        aside,
        clock);
  }

  /** On which reconciliations run. */
  static FairExecutor executor() {
    return new FairExecutor(RECONCILIATIONS_AT_ONCE, RECONCILIATIONS_PER_NAMESPACE);
  }

  /** The framework around the reconciler; not yet started. */
  static Operator operator(
      KubernetesClient client,
      FairExecutor executor,
      CheckpointReconciler reconciler,
      MeterRegistry meters,
      Consumer<ConfigurationServiceOverrider> more) {
    Operator operator =
        new Operator(
            configuration -> {
              configuration
                  .withKubernetesClient(client)
                  .withExecutorService(executor)
                  .withMetrics(new ReconciliationMetrics(meters, executor::announce))
                  .withReconciliationTerminationTimeout(RECONCILIATIONS_END_WITHIN)
                  .withCloseClientOnStop(false)
                  .withUseSSAToPatchPrimaryResource(true)
                  .checkingCRDAndValidateLocalModel(false);
              more.accept(configuration);
            });
    operator.register(
        reconciler,
        controller ->
            controller
                .withName("virtualmachinecheckpoint")
                .withFieldManager(WellKnown.FIELD_MANAGER)
                .withFinalizer(WellKnown.FINALIZER)
                .withGenerationAware(false)
                .withInformerListLimit(Pages.SIZE)
                .withOnUpdateFilter(Application::matters)
                .withRetry(new BackOff(random())));
    return operator;
  }

  /** Whether a change of the resource is one to act on: not our own status, nor another's label. */
  private static boolean matters(VirtualMachineCheckpoint now, VirtualMachineCheckpoint before) {
    return !now.getMetadata().getUid().equals(before.getMetadata().getUid())
        || !Objects.equals(now.getMetadata().getGeneration(), before.getMetadata().getGeneration())
        || now.isMarkedForDeletion() != before.isMarkedForDeletion()
        || !now.getMetadata().getFinalizers().equals(before.getMetadata().getFinalizers())
        || !Views.probe(now).equals(Views.probe(before));
  }

  private static RandomGenerator random() {
    return () -> ThreadLocalRandom.current().nextLong();
  }
}
