package dev.vmcheckpoint.controller.observe;

import dev.vmcheckpoint.api.VirtualMachineCheckpoint;
import dev.vmcheckpoint.controller.decide.MachinePod;
import dev.vmcheckpoint.controller.decide.MachinePod.Phase;
import dev.vmcheckpoint.controller.prune.Pages;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
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
import java.util.stream.Stream;

/**
 * The pods that run virtual machines: those with a label whose value is the machine's name. A
 * change of such a pod wakes the machine's checkpoints.
 */
public final class MachinePods {
  private static final String BY_MACHINE = "machine";
  private static final String BY_NODE = "node";

  private final List<String> labels;
  private final KubernetesClient client;
  private final Pages pages;
  private final List<InformerEventSource<Pod, VirtualMachineCheckpoint>> informers =
      new CopyOnWriteArrayList<>();

  /**
   * Pods of any namespace.
   *
   * @param labels keys of the labels that name a machine, at least one
   */
  public MachinePods(List<String> labels, KubernetesClient client, Pages pages) {
    this.labels = List.copyOf(labels);
    this.client = client;
    this.pages = pages;
  }

  /** Event sources that keep the pods, and wake the checkpoints that are in the cache. */
  List<InformerEventSource<Pod, VirtualMachineCheckpoint>> watch(
      EventSourceContext<VirtualMachineCheckpoint> context,
      Checkpoints checkpoints,
      CacheGuard guard) {
    for (String label : labels) {
      InformerEventSource<Pod, VirtualMachineCheckpoint> informer =
          informer(label, context, checkpoints);
      informers.add(informer);
      guard.guard(
          "pods labelled " + label, informer, client.pods().inAnyNamespace().withLabel(label));
    }
    return informers;
  }

  private static InformerEventSource<Pod, VirtualMachineCheckpoint> informer(
      String label, EventSourceContext<VirtualMachineCheckpoint> context, Checkpoints checkpoints) {
    Function<Pod, List<String>> machine = pod -> List.of(machine(pod, label));
    InformerEventSource<Pod, VirtualMachineCheckpoint> informer =
        new InformerEventSource<>(
            InformerEventSourceConfiguration.from(Pod.class, VirtualMachineCheckpoint.class)
                .withName("virtual-machines-" + label)
                .withWatchAllNamespaces()
                .withLabelSelector(label)
                .withInformerListLimit(Pages.SIZE)
                .withPrimaryToSecondaryMapper(_ -> Set.<ResourceID>of())
                .withSecondaryToPrimaryMapper(pod -> checkpoints.of(machine(pod, label)))
                .build(),
            context);
    informer.addIndexers(Map.of(BY_MACHINE, machine, BY_NODE, MachinePods::node));
    return informer;
  }

  /** The pods of a machine, as far as they have come to the cache. */
  List<MachinePod> of(String namespace, String machineName) {
    return distinct(
        informers.stream()
            .flatMap(
                informer ->
                    informer.byIndex(BY_MACHINE, machine(namespace, machineName)).stream()));
  }

  /** The pods of a machine, as the API server has them now. */
  List<MachinePod> uncached(String namespace, String machineName) {
    return distinct(
        labels.stream()
            .flatMap(
                label ->
                    pages.list(
                        namespace,
                        client.pods().inNamespace(namespace).withLabel(label, machineName)::list)));
  }

  /** The machines that have a pod on a node, as {@link #machine} names them. */
  Stream<String> machinesOn(String node) {
    return labels.stream()
        .flatMap(
            label ->
                informers.stream()
                    .flatMap(informer -> informer.byIndex(BY_NODE, node).stream())
                    .filter(pod -> pod.getMetadata().getLabels().containsKey(label))
                    .map(pod -> machine(pod, label)))
        .distinct();
  }

  /** A machine's name among all namespaces. */
  static String machine(String namespace, String name) {
    return namespace + "/" + name;
  }

  private static String machine(Pod pod, String label) {
    return machine(
        pod.getMetadata().getNamespace(), pod.getMetadata().getLabels().getOrDefault(label, ""));
  }

  private static List<String> node(Pod pod) {
    return Optional.ofNullable(pod.getSpec().getNodeName()).stream().toList();
  }

  private static List<MachinePod> distinct(Stream<Pod> pods) {
    return pods.map(MachinePods::view).distinct().toList();
  }

  private static MachinePod view(Pod pod) {
    return new MachinePod(
        pod.getMetadata().getName(),
        pod.getMetadata().getUid(),
        Optional.ofNullable(pod.getSpec().getNodeName()),
        phase(pod));
  }

  private static Phase phase(Pod pod) {
    String phase =
        Optional.ofNullable(pod.getStatus()).map(status -> status.getPhase()).orElse("Pending");
    return switch (phase) {
      case "Succeeded", "Failed" -> Phase.ENDED;
      case "Running" ->
          pod.isMarkedForDeletion() && !hasRunningContainer(pod) ? Phase.ENDED : Phase.RUNNING;
      // The node was lost: what runs there goes on running.
      case "Unknown" -> Phase.RUNNING;
      default -> Phase.NOT_STARTED;
    };
  }

  private static boolean hasRunningContainer(Pod pod) {
    List<ContainerStatus> containers = pod.getStatus().getContainerStatuses();
    return containers.isEmpty()
        || containers.stream()
            .flatMap(container -> Optional.ofNullable(container.getState()).stream())
            .anyMatch(state -> state.getRunning() != null);
  }
}
