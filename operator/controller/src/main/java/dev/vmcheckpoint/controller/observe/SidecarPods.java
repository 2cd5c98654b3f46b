package dev.vmcheckpoint.controller.observe;

import dev.vmcheckpoint.api.VirtualMachineCheckpoint;
import dev.vmcheckpoint.controller.nodes.NodeApis;
import dev.vmcheckpoint.controller.nodes.Sidecars;
import dev.vmcheckpoint.controller.prune.Pages;
import dev.vmcheckpoint.node.NodeApi;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.readiness.Readiness;
import io.javaoperatorsdk.operator.api.config.informer.InformerEventSourceConfiguration;
import io.javaoperatorsdk.operator.api.reconciler.EventSourceContext;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.javaoperatorsdk.operator.processing.event.source.informer.InformerEventSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The sidecars' pods. A change of one wakes the checkpoints of all machines on its node; only a
 * ready one is called.
 */
public final class SidecarPods implements Sidecars {
  /** The label by which a sidecar's pod is known. */
  public static final String LABEL = "app.kubernetes.io/name=vmcheckpoint-sidecar";

  private static final String BY_NODE = "node";

  private final String namespace;
  private final NodeApis nodes;
  private final KubernetesClient client;
  private final List<InformerEventSource<Pod, VirtualMachineCheckpoint>> informers =
      new CopyOnWriteArrayList<>();

  /**
   * Sidecars of one namespace.
   *
   * @param namespace the only namespace whose pods are believed to be sidecars
   */
  public SidecarPods(String namespace, NodeApis nodes, KubernetesClient client) {
    this.namespace = namespace;
    this.nodes = nodes;
    this.client = client;
  }

  /** An event source that keeps the pods. */
  InformerEventSource<Pod, VirtualMachineCheckpoint> watch(
      EventSourceContext<VirtualMachineCheckpoint> context,
      MachinePods machines,
      Checkpoints checkpoints,
      CacheGuard guard) {
    Function<Pod, List<String>> node = pod -> node(pod).stream().toList();
    InformerEventSource<Pod, VirtualMachineCheckpoint> informer =
        new InformerEventSource<>(
            InformerEventSourceConfiguration.from(Pod.class, VirtualMachineCheckpoint.class)
                .withName("sidecars")
                .withNamespaces(namespace)
                .withLabelSelector(LABEL)
                .withInformerListLimit(Pages.SIZE)
                .withPrimaryToSecondaryMapper(_ -> Set.<ResourceID>of())
                .withSecondaryToPrimaryMapper(pod -> onNodeOf(pod, machines, checkpoints))
                .build(),
            context);
    informer.addIndexers(Map.of(BY_NODE, node));
    informers.add(informer);
    guard.guard(
        "pods of sidecars",
        informer,
        client.pods().inNamespace(namespace).withLabelSelector(LABEL));
    return informer;
  }

  @Override
  public Optional<NodeApi> on(String node) {
    return informers.stream()
        .flatMap(informer -> informer.byIndex(BY_NODE, node).stream())
        .filter(pod -> Readiness.isPodReady(pod) && !pod.isMarkedForDeletion())
        .flatMap(pod -> Optional.ofNullable(pod.getStatus().getPodIP()).stream())
        .findFirst()
        .map(address -> nodes.at(node, address));
  }

  private static Set<ResourceID> onNodeOf(Pod pod, MachinePods machines, Checkpoints checkpoints) {
    return node(pod).stream()
        .flatMap(machines::machinesOn)
        .flatMap(machine -> checkpoints.of(machine).stream())
        .collect(Collectors.toSet());
  }

  private static Optional<String> node(Pod pod) {
    return Optional.ofNullable(pod.getSpec().getNodeName());
  }
}
