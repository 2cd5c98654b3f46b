package dev.vmcheckpoint.controller.observe;

import static java.util.stream.Collectors.groupingBy;
import static java.util.stream.Collectors.toSet;

import dev.vmcheckpoint.api.VirtualMachineCheckpoint;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Disk;
import dev.vmcheckpoint.controller.decide.Look;
import dev.vmcheckpoint.controller.decide.MachinePod;
import dev.vmcheckpoint.controller.decide.MachinePod.Phase;
import dev.vmcheckpoint.controller.lead.Leadership;
import dev.vmcheckpoint.controller.observe.HandedLooks.Handed;
import dev.vmcheckpoint.controller.schedule.Lanes;
import dev.vmcheckpoint.controller.schedule.Rounds;
import dev.vmcheckpoint.node.ObserveRequest;
import io.javaoperatorsdk.operator.processing.event.Event;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.javaoperatorsdk.operator.processing.event.source.AbstractEventSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Looks at all machines with checkpoints, node by node, at a fixed interval, and wakes their
 * checkpoints with what it saw. One that has not answered yet is not asked again. Whatever fails,
 * the next round comes.
 *
 * <p>A few nodes are asked at once, as each answer may be large. Nodes that hang, or that a tenant
 * slows down, do not hold up the others: of a hundred nodes, eight that begin to hang delay the
 * looks at the rest once, by two time-outs, and from then on only one another's.
 */
final class NodePoll extends AbstractEventSource<Look, VirtualMachineCheckpoint> {
  /** An answer about a node full of tenants' machines is some MiB, and takes more when read. */
  private static final int AT_ONCE = 4;

  /** A sidecar whose machines all answer takes some milliseconds for each. */
  private static final Duration QUICK = Duration.ofSeconds(2);

  private final Checkpoints checkpoints;
  private final MachinePods machines;
  private final Looks looks;
  private final HandedLooks handed;
  private final Leadership leadership;
  private final Rounds rounds;
  private final Lanes lanes = new Lanes(AT_ONCE, QUICK, System::nanoTime);

  /** One checkpoint whose machine runs in one pod. */
  private record Target(ResourceID id, String uid, List<Disk> record, String pod) {}

  NodePoll(
      Checkpoints checkpoints,
      MachinePods machines,
      Looks looks,
      HandedLooks handed,
      Leadership leadership,
      Duration interval) {
    super(Look.class, "node-poll");
    this.checkpoints = checkpoints;
    this.machines = machines;
    this.looks = looks;
    this.handed = handed;
    this.leadership = leadership;
    this.rounds = new Rounds("node-poll", interval, this::round);
  }

  @Override
  public synchronized void start() {
    super.start();
    rounds.start();
  }

  @Override
  public synchronized void stop() {
    super.stop();
    rounds.close();
  }

  @Override
  public Set<Look> getSecondaryResources(VirtualMachineCheckpoint primary) {
    return Set.of();
  }

  private void round() {
    if (leadership.isLeading()) {
      pollAll();
    }
  }

  private void pollAll() {
    List<VirtualMachineCheckpoint> all =
        checkpoints.all().filter(checkpoint -> !checkpoint.isMarkedForDeletion()).toList();
    handed.retain(all.stream().map(ResourceID::fromResource).collect(toSet()));
    Map<String, List<Target>> byNode = new HashMap<>();
    for (VirtualMachineCheckpoint checkpoint : all) {
      List<MachinePod> running = running(checkpoint);
      if (running.isEmpty()) {
        wake(ResourceID.fromResource(checkpoint));
      }
      running.forEach(
          pod ->
              pod.node()
                  .ifPresent(
                      node ->
                          byNode
                              .computeIfAbsent(node, _ -> new ArrayList<>())
                              .add(target(checkpoint, pod))));
    }
    byNode.forEach(
        (node, targets) -> rounds.begin(node, () -> lanes.run(node, () -> poll(node, targets))));
  }

  private List<MachinePod> running(VirtualMachineCheckpoint checkpoint) {
    return machines
        .of(
            checkpoint.getMetadata().getNamespace(),
            checkpoint.getSpec().virtualMachineRef().name())
        .stream()
        .filter(pod -> pod.phase() == Phase.RUNNING)
        .toList();
  }

  private static Target target(VirtualMachineCheckpoint checkpoint, MachinePod pod) {
    return new Target(
        ResourceID.fromResource(checkpoint),
        checkpoint.getMetadata().getUid(),
        checkpoint.getStatus() == null ? List.of() : checkpoint.getStatus().disks(),
        pod.uid());
  }

  private void poll(String node, List<Target> targets) {
    Map<String, List<Target>> byPod = targets.stream().collect(groupingBy(Target::pod));
    List<String> pods = List.copyOf(byPod.keySet());
    for (int from = 0; from < pods.size(); from += ObserveRequest.MAX_MACHINES) {
      List<String> some =
          pods.subList(from, Math.min(pods.size(), from + ObserveRequest.MAX_MACHINES));
      looks
          .into(node, some)
          .forEach((pod, look) -> byPod.getOrDefault(pod, List.of()).forEach(t -> hand(t, look)));
    }
  }

  private void hand(Target target, Look look) {
    handed.hand(target.id(), new Handed(target.uid(), target.record(), Map.of(target.pod(), look)));
    wake(target.id());
  }

  private void wake(ResourceID id) {
    getEventHandler().handleEvent(new Event(id));
  }
}
