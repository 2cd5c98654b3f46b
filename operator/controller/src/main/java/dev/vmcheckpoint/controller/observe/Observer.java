package dev.vmcheckpoint.controller.observe;

import dev.vmcheckpoint.api.VirtualMachineCheckpoint;
import dev.vmcheckpoint.controller.decide.Checkpoint;
import dev.vmcheckpoint.controller.decide.Look;
import dev.vmcheckpoint.controller.decide.MachinePod;
import dev.vmcheckpoint.controller.decide.MachinePod.Phase;
import dev.vmcheckpoint.controller.decide.MachineSelection;
import dev.vmcheckpoint.controller.decide.Observation;
import dev.vmcheckpoint.controller.lead.Leadership;
import dev.vmcheckpoint.controller.nodes.InFlightLimits;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.javaoperatorsdk.operator.api.reconciler.EventSourceContext;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.javaoperatorsdk.operator.processing.event.source.EventSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Finds out what is known of a checkpoint's machine now. */
public final class Observer {
  private final MachinePods machines;
  private final SidecarPods sidecars;
  private final InFlightLimits limits;
  private final KubernetesClient client;
  private final CacheGuard guard;
  private final Looks looks;
  private final HandedLooks handed = new HandedLooks();

  /**
   * Observes nothing yet.
   *
   * @param guard is to guard all that is watched
   */
  public Observer(
      MachinePods machines,
      SidecarPods sidecars,
      InFlightLimits limits,
      KubernetesClient client,
      CacheGuard guard) {
    this.machines = machines;
    this.sidecars = sidecars;
    this.limits = limits;
    this.client = client;
    this.guard = guard;
    this.looks = new Looks(sidecars);
  }

  /** The name of a checkpoint's machine among those of all namespaces. */
  public static String machine(VirtualMachineCheckpoint checkpoint) {
    return Checkpoints.machine(checkpoint);
  }

  /**
   * Everything that wakes a reconciliation, beside the checkpoint itself: pods of machines, pods of
   * sidecars, and the poll.
   *
   * @param leadership the poll rests while somebody else leads
   */
  public List<EventSource<?, VirtualMachineCheckpoint>> watch(
      EventSourceContext<VirtualMachineCheckpoint> context,
      Leadership leadership,
      Duration pollInterval) {
    Checkpoints checkpoints = new Checkpoints(context.getPrimaryCache());
    guard.guard(
        "checkpoints",
        context.getPrimaryCache(),
        client.resources(VirtualMachineCheckpoint.class).inAnyNamespace());
    List<EventSource<?, VirtualMachineCheckpoint>> sources =
        new ArrayList<>(machines.watch(context, checkpoints, guard));
    sources.add(sidecars.watch(context, machines, checkpoints, guard));
    sources.add(new NodePoll(checkpoints, machines, looks, handed, leadership, pollInterval));
    return sources;
  }

  /**
   * Observes. Calls a sidecar at most once for each running pod, and not at all where the poll has
   * just looked.
   */
  public Observation observe(VirtualMachineCheckpoint resource, Checkpoint checkpoint) {
    String namespace = resource.getMetadata().getNamespace();
    return observe(resource, checkpoint, machines.of(namespace, checkpoint.machineName()));
  }

  /** Observes; that there is no pod is not believed of a cache that may be behind. */
  public Observation observeForDeletion(VirtualMachineCheckpoint resource, Checkpoint checkpoint) {
    String namespace = resource.getMetadata().getNamespace();
    List<MachinePod> pods = machines.of(namespace, checkpoint.machineName());
    boolean runs = pods.stream().anyMatch(pod -> pod.phase() == Phase.RUNNING);
    return observe(
        resource, checkpoint, runs ? pods : machines.uncached(namespace, checkpoint.machineName()));
  }

  /** Whether there is a pod in which a machine may run, as far as the cache knows. */
  public boolean mayRun(String namespace, String machine) {
    return machines.of(namespace, machine).stream().anyMatch(pod -> pod.phase() == Phase.RUNNING);
  }

  /** Looks at a machine, whether it has checkpoints or not. */
  public Observation look(String namespace, String machine) {
    List<MachinePod> pods = machines.of(namespace, machine);
    return MachineSelection.select(machine, pods, looks(namespace, pods, new HashMap<>()));
  }

  private Observation observe(
      VirtualMachineCheckpoint resource, Checkpoint checkpoint, List<MachinePod> pods) {
    Map<String, Look> seen =
        new HashMap<>(handed.take(ResourceID.fromResource(resource), checkpoint));
    return MachineSelection.select(
        checkpoint.machineName(), pods, looks(resource.getMetadata().getNamespace(), pods, seen));
  }

  /** One look into each pod in which the machine may run. */
  private Map<String, Look> looks(String namespace, List<MachinePod> pods, Map<String, Look> seen) {
    for (MachinePod pod : pods) {
      if (pod.phase() == Phase.RUNNING && pod.node().isPresent()) {
        seen.computeIfAbsent(pod.uid(), uid -> look(namespace, pod.node().get(), uid));
      }
    }
    return seen;
  }

  private Look look(String namespace, String node, String pod) {
    return limits.call(namespace, node, () -> looks.into(node, List.of(pod)).get(pod));
  }
}
