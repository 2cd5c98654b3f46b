package dev.vmcheckpoint.controller.act;

import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.api.VirtualMachineCheckpoint;
import dev.vmcheckpoint.api.WellKnown;
import dev.vmcheckpoint.controller.decide.Decision.Create;
import dev.vmcheckpoint.controller.decide.Decision.Renew;
import dev.vmcheckpoint.controller.decide.Leftover;
import dev.vmcheckpoint.controller.decide.NameLimit;
import dev.vmcheckpoint.controller.decide.Observation.Seen;
import dev.vmcheckpoint.controller.decide.ObsoleteMarker;
import dev.vmcheckpoint.controller.decide.Renewals.Renewed;
import dev.vmcheckpoint.controller.decide.Tidying.RemoveBitmap;
import dev.vmcheckpoint.controller.decide.Tidying.RemoveMarkers;
import dev.vmcheckpoint.controller.decide.Troubles;
import dev.vmcheckpoint.controller.decide.Troubles.Trouble;
import dev.vmcheckpoint.controller.lead.Leadership;
import dev.vmcheckpoint.controller.nodes.InFlightLimits;
import dev.vmcheckpoint.controller.nodes.Sidecars;
import dev.vmcheckpoint.controller.observe.OnRecords;
import dev.vmcheckpoint.controller.prune.Pages;
import dev.vmcheckpoint.node.CheckpointUid;
import dev.vmcheckpoint.node.EnsureResponse;
import dev.vmcheckpoint.node.EpochRequest;
import dev.vmcheckpoint.node.EpochResponse;
import dev.vmcheckpoint.node.MutationContext;
import dev.vmcheckpoint.node.NodeApi;
import dev.vmcheckpoint.node.NodeApiException;
import dev.vmcheckpoint.node.PodUid;
import dev.vmcheckpoint.node.Problem;
import dev.vmcheckpoint.node.RemoveResponse;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The changes that the operator makes to machines, each one call to a sidecar. */
public final class Actions {
  private static final Logger LOG = LoggerFactory.getLogger(Actions.class);

  /**
   * After this the sidecar starts nothing more of a call; a transaction waits for the guest's own
   * I/O.
   */
  public static final Duration MAY_BEGIN_FOR = Duration.ofSeconds(60);

  private final KubernetesClient client;
  private final Pages pages;
  private final Sidecars sidecars;
  private final InFlightLimits limits;
  private final Leadership leadership;
  private final Attempts attempts;

  public Actions(
      KubernetesClient client,
      Pages pages,
      Sidecars sidecars,
      InFlightLimits limits,
      Leadership leadership,
      Attempts attempts) {
    this.client = client;
    this.pages = pages;
    this.sidecars = sidecars;
    this.limits = limits;
    this.leadership = leadership;
    this.attempts = attempts;
  }

  /**
   * The bitmaps that were made.
   *
   * @param resource the resource as it was right before
   */
  public record Created(VirtualMachineCheckpoint resource, EnsureResponse response) {}

  /**
   * Has the bitmaps made. Right before, the resource is read from the API server: one that is gone,
   * is to go or is established already gets none.
   */
  public Outcome<Created> create(VirtualMachineCheckpoint resource, Create create) {
    return onNode(
        resource.getMetadata().getNamespace(),
        create.seen(),
        Reason.Creating,
        sidecar -> {
          Optional<VirtualMachineCheckpoint> current = stillWanted(resource);
          if (current.isEmpty()) {
            return new Outcome.LookAgain<>();
          }
          MutationContext context = context(create.seen());
          attempts.sendingCreation(resource.getMetadata().getUid());
          EnsureResponse response = ensure(sidecar, resource, create, context);
          LOG.info(
              "Bitmaps for disks {} on node {}: {}",
              create.request().disks(),
              create.seen().node(),
              response.adopted() ? "adopted" : "made");
          return new Outcome.Done<>(new Created(current.get(), response));
        });
  }

  private EnsureResponse ensure(
      NodeApi sidecar, VirtualMachineCheckpoint resource, Create create, MutationContext context) {
    String uid = resource.getMetadata().getUid();
    try {
      EnsureResponse response =
          sidecar.ensureCheckpoint(pod(create.seen()), uid(resource), create.request(), context);
      refuse(NameLimit.exceededBy(response));
      attempts.creationAnswered(uid, MAY_BEGIN_FOR);
      return response;
    } catch (NodeApiException.Answered e) {
      attempts.creationAnswered(uid, MAY_BEGIN_FOR);
      throw e;
    } catch (NodeApiException.NoAnswer e) {
      attempts.creationUnanswered(uid);
      throw e;
    }
  }

  /** An answer that is not kept is a failure. */
  private static void refuse(Optional<Problem> problem) {
    if (problem.isPresent()) {
      throw new NodeApiException.Answered(problem.get());
    }
  }

  /** Has every bitmap removed that was made for the resource, whatever its status knows of. */
  public Outcome<RemoveResponse> remove(VirtualMachineCheckpoint resource, Seen seen) {
    return onNode(
        resource.getMetadata().getNamespace(),
        seen,
        Reason.Deleting,
        sidecar -> {
          RemoveResponse response =
              sidecar.removeCheckpoint(pod(seen), uid(resource), context(seen));
          LOG.info("{} bitmaps on node {} removed", response.removed().size(), seen.node());
          return new Outcome.Done<>(response);
        });
  }

  /**
   * Has every bitmap removed that was made for a resource that is gone. Right before, that is read
   * from the API server: one that is there after all keeps its bitmaps.
   */
  public Outcome<RemoveResponse> remove(Leftover leftover, Seen seen) {
    return onNode(
        leftover.namespace(),
        seen,
        Reason.Deleting,
        sidecar -> {
          if (isAlive(leftover)) {
            LOG.warn("Checkpoint {} is there, though recorded as gone", leftover.checkpoint());
            return new Outcome.LookAgain<>();
          }
          RemoveResponse response =
              sidecar.removeCheckpoint(
                  pod(seen), new CheckpointUid(leftover.checkpoint()), context(seen));
          LOG.info(
              "{} bitmaps left by checkpoint {} on node {} removed",
              response.removed().size(),
              leftover.checkpoint(),
              seen.node());
          return new Outcome.Done<>(response);
        });
  }

  private boolean isAlive(Leftover leftover) {
    return list(leftover.namespace())
        .anyMatch(
            resource ->
                resource.getMetadata().getUid().equals(leftover.checkpoint())
                    && !resource.isMarkedForDeletion());
  }

  /** Has one bitmap removed that was made for the resource. */
  public Outcome<RemoveResponse> remove(VirtualMachineCheckpoint resource, RemoveBitmap removal) {
    return onNode(
        resource.getMetadata().getNamespace(),
        removal.seen(),
        Reason.Deleting,
        sidecar -> {
          RemoveResponse response =
              sidecar.removeBitmap(
                  pod(removal.seen()), uid(resource), removal.bitmap(), context(removal.seen()));
          LOG.info("The useless bitmap {} is removed", removal.bitmap());
          return new Outcome.Done<>(response);
        });
  }

  /**
   * Has markers removed. Right before, all checkpoints of the namespace are read from the API
   * server: what one of them relies on stays.
   *
   * @return what is gone for certain
   */
  public Outcome<List<ObsoleteMarker>> remove(
      VirtualMachineCheckpoint resource, RemoveMarkers removal) {
    return onNode(
        resource.getMetadata().getNamespace(),
        removal.seen(),
        Reason.Deleting,
        sidecar -> {
          Optional<RemoveMarkers> useless =
              removal.unless(OnRecords.of(list(resource.getMetadata().getNamespace())));
          if (useless.isEmpty()) {
            return new Outcome.LookAgain<>();
          }
          EpochResponse response =
              sidecar.renewEpoch(
                  pod(removal.seen()), useless.get().request(), context(removal.seen()));
          List<ObsoleteMarker> gone = useless.get().gone(response.disks());
          LOG.info("Useless markers are removed: {}", gone);
          return new Outcome.Done<>(gone);
        });
  }

  private Stream<VirtualMachineCheckpoint> list(String namespace) {
    return pages.list(
        namespace, client.resources(VirtualMachineCheckpoint.class).inNamespace(namespace)::list);
  }

  /**
   * Has disks carried over into the present openings of their images: all at once, and where one of
   * them stands in the way, each alone, as it costs no other. This takes nothing away that another
   * status relies on, so the resource need not be read anew.
   */
  public Outcome<Renewed> renew(VirtualMachineCheckpoint resource, Renew renew) {
    return switch (carryOver(resource, renew)) {
      case Outcome.Done(var response) ->
          new Outcome.Done<>(new Renewed(List.of(response), Map.of()));
      case Outcome.Failed(var trouble)
          when trouble.isOfADisk() && renew.request().disks().size() > 1 ->
          renewApart(resource, renew);
      case Outcome.Failed(var trouble) -> new Outcome.Failed<>(trouble);
      case Outcome.LookAgain<?> _ -> new Outcome.LookAgain<>();
    };
  }

  private Outcome<Renewed> renewApart(VirtualMachineCheckpoint resource, Renew renew) {
    List<EpochResponse> responses = new ArrayList<>();
    Map<String, Trouble> troubles = new HashMap<>();
    for (Renew alone : renew.apart()) {
      switch (carryOver(resource, alone)) {
        case Outcome.Done(var response) -> responses.add(response);
        case Outcome.Failed(var trouble) when trouble.isOfADisk() ->
            troubles.put(alone.request().disks().getFirst().name(), trouble);
        case Outcome.Failed(var trouble) -> {
          return new Outcome.Failed<>(trouble);
        }
        case Outcome.LookAgain<?> _ -> {
          return new Outcome.LookAgain<>();
        }
      }
    }
    return new Outcome.Done<>(new Renewed(responses, troubles));
  }

  private Outcome<EpochResponse> carryOver(VirtualMachineCheckpoint resource, Renew renew) {
    return onNode(
        resource.getMetadata().getNamespace(),
        renew.seen(),
        Reason.SidecarUnreachable,
        sidecar -> {
          EpochResponse response =
              sidecar.renewEpoch(pod(renew.seen()), renew.request(), context(renew.seen()));
          refuse(NameLimit.exceededBy(response));
          LOG.info(
              "Disks {} on node {} carried over",
              renew.request().disks().stream().map(EpochRequest.Disk::name).toList(),
              renew.seen().node());
          return new Outcome.Done<>(response);
        });
  }

  private <T> Outcome<T> onNode(
      String namespace, Seen seen, Reason meanwhile, Function<NodeApi, Outcome<T>> action) {
    String node = seen.node();
    return limits.call(
        namespace,
        node,
        () -> {
          Optional<NodeApi> sidecar = sidecars.on(node);
          if (sidecar.isEmpty()) {
            return new Outcome.Failed<>(
                new Trouble(Reason.NoSidecar, "no sidecar is ready on node %s".formatted(node)));
          }
          try {
            return action.apply(sidecar.get());
          } catch (NodeApiException e) {
            LOG.info("A change on node {} failed: {}", node, e.getMessage());
            if (Troubles.isRefusalOfTheLeader(e)) {
              leadership.isRefused();
            }
            return Troubles.ofChange(node, e, meanwhile)
                .<Outcome<T>>map(Outcome.Failed::new)
                .orElseGet(Outcome.LookAgain::new);
          }
        });
  }

  private Optional<VirtualMachineCheckpoint> stillWanted(VirtualMachineCheckpoint resource) {
    ObjectMeta wanted = resource.getMetadata();
    @Nullable VirtualMachineCheckpoint current =
        client
            .resources(VirtualMachineCheckpoint.class)
            .inNamespace(wanted.getNamespace())
            .withName(wanted.getName())
            .get();
    return Optional.ofNullable(current)
        .filter(now -> now.getMetadata().getUid().equals(wanted.getUid()))
        .filter(now -> !now.isMarkedForDeletion())
        .filter(now -> now.hasFinalizer(WellKnown.FINALIZER))
        .filter(now -> now.getStatus() == null || !now.getStatus().established());
  }

  private MutationContext context(Seen seen) {
    return new MutationContext(seen.startId(), leadership.term(), MAY_BEGIN_FOR.toMillis());
  }

  private static PodUid pod(Seen seen) {
    return new PodUid(seen.at().podUID());
  }

  private static CheckpointUid uid(VirtualMachineCheckpoint resource) {
    return new CheckpointUid(resource.getMetadata().getUid());
  }
}
