package dev.vmcheckpoint.controller.observe;

import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.controller.decide.Look;
import dev.vmcheckpoint.controller.decide.NameLimit;
import dev.vmcheckpoint.controller.decide.Troubles;
import dev.vmcheckpoint.controller.nodes.Sidecars;
import dev.vmcheckpoint.node.MachineReport;
import dev.vmcheckpoint.node.NodeApi;
import dev.vmcheckpoint.node.NodeApiException;
import dev.vmcheckpoint.node.ObserveRequest;
import dev.vmcheckpoint.node.ObserveRequest.Target;
import dev.vmcheckpoint.node.ObserveResponse;
import dev.vmcheckpoint.node.PodUid;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Looks into pods through the sidecar of their node. A look that fails is an answer, too. */
final class Looks {
  private final Sidecars sidecars;

  Looks(Sidecars sidecars) {
    this.sidecars = sidecars;
  }

  /**
   * One look into each pod, by the pod's UID, in one call.
   *
   * @param node the node that all the pods are on
   * @param pods UIDs of at most {@link ObserveRequest#MAX_MACHINES} pods
   */
  Map<String, Look> into(String node, List<String> pods) {
    Optional<NodeApi> sidecar = sidecars.on(node);
    if (sidecar.isEmpty()) {
      return all(
          pods,
          new Look.Failed(Reason.NoSidecar, "no sidecar is ready on node %s".formatted(node)));
    }
    try {
      ObserveResponse response =
          sidecar
              .get()
              .observe(
                  new ObserveRequest(
                      pods.stream().map(uid -> new Target(new PodUid(uid))).toList()));
      // A pod that the answer leaves out was not seen.
      Map<String, Look> looks =
          all(
              pods,
              new Look.Failed(
                  Reason.SidecarFailed,
                  "the sidecar on node %s left the machine out".formatted(node)));
      response
          .machines()
          .forEach(
              report -> looks.replace(report.podUID().value(), look(response.startId(), report)));
      return looks;
    } catch (NodeApiException e) {
      return all(pods, Troubles.ofLook(node, e));
    }
  }

  private static Look look(String startId, MachineReport report) {
    return switch (report) {
      case MachineReport.Observed observed ->
          NameLimit.exceededBy(observed.observation())
              .<Look>map(Troubles::ofLook)
              .orElseGet(() -> new Look.Seen(startId, observed.observation()));
      case MachineReport.Failed failed -> Troubles.ofLook(failed.error());
    };
  }

  private static Map<String, Look> all(List<String> pods, Look look) {
    Map<String, Look> looks = new HashMap<>();
    pods.forEach(pod -> looks.put(pod, look));
    return looks;
  }
}
