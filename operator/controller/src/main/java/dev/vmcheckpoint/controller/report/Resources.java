package dev.vmcheckpoint.controller.report;

import dev.vmcheckpoint.api.VirtualMachineCheckpoint;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus;
import dev.vmcheckpoint.api.WellKnown;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.javaoperatorsdk.operator.OperatorException;
import io.javaoperatorsdk.operator.api.reconciler.Context;
import io.javaoperatorsdk.operator.api.reconciler.PrimaryUpdateAndCacheUtils;
import java.net.HttpURLConnection;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes to the resource. Each write is about one version of it: where it has changed meanwhile,
 * nothing is written, and the caller has to observe again.
 */
public final class Resources {
  private static final Logger LOG = LoggerFactory.getLogger(Resources.class);
  private static final int HTTP_UNPROCESSABLE = 422;

  private final KubernetesClient client;

  public Resources(KubernetesClient client) {
    this.client = client;
  }

  /**
   * Applies a status.
   *
   * @param resource the version that the status was decided on
   * @return whether it was written; not if the resource is another one by now, or gone
   */
  public boolean apply(
      VirtualMachineCheckpoint resource,
      VirtualMachineCheckpointStatus status,
      Context<VirtualMachineCheckpoint> context) {
    VirtualMachineCheckpoint applied = new VirtualMachineCheckpoint();
    applied.setMetadata(
        identity(resource)
            .withResourceVersion(resource.getMetadata().getResourceVersion())
            .build());
    applied.setStatus(status);
    try {
      // A second try would send what was decided on an older version to a newer one.
      int noRetry = 0;
      PrimaryUpdateAndCacheUtils.updateAndCacheResource(
          resource, context, _ -> applied, this::patchStatus, noRetry, 0, 0);
      return true;
    } catch (OperatorException e) {
      if (e.getCause() instanceof KubernetesClientException cause && isConflict(cause)) {
        LOG.debug("The resource has changed before its status was written", e);
        return false;
      }
      throw e;
    } catch (KubernetesClientException e) {
      if (e.getCode() == HttpURLConnection.HTTP_NOT_FOUND) {
        return false;
      }
      throw e;
    }
  }

  private VirtualMachineCheckpoint patchStatus(VirtualMachineCheckpoint applied) {
    return client
        .resource(applied)
        .subresource("status")
        .patch(
            new PatchContext.Builder()
                .withPatchType(PatchType.SERVER_SIDE_APPLY)
                .withFieldManager(WellKnown.FIELD_MANAGER)
                .withForce(true)
                .build());
  }

  /**
   * Lets a resource go that is to go. The finalizer may have been put there by somebody else, a
   * restore for instance, so it is taken out whoever owns it.
   *
   * @return whether it was released, or is gone; if not, its finalizers have changed
   */
  public boolean release(VirtualMachineCheckpoint resource) {
    ObjectMeta metadata = resource.getMetadata();
    int index = metadata.getFinalizers().indexOf(WellKnown.FINALIZER);
    String path = "/metadata/finalizers/" + index;
    List<JsonPatch> patch =
        List.of(
            new JsonPatch("test", "/metadata/uid", metadata.getUid()),
            new JsonPatch("test", path, WellKnown.FINALIZER),
            new JsonPatch("remove", path, null));
    try {
      client
          .resource(resource)
          .patch(
              new PatchContext.Builder()
                  .withPatchType(PatchType.JSON)
                  .withFieldManager(WellKnown.FIELD_MANAGER)
                  .build(),
              client.getKubernetesSerialization().asJson(patch));
      return true;
    } catch (KubernetesClientException e) {
      if (e.getCode() == HttpURLConnection.HTTP_NOT_FOUND) {
        return true;
      }
      if (isConflict(e) || e.getCode() == HTTP_UNPROCESSABLE) {
        return false;
      }
      throw e;
    }
  }

  /** RFC 6902. */
  private record JsonPatch(String op, String path, @Nullable String value) {}

  private static ObjectMetaBuilder identity(VirtualMachineCheckpoint resource) {
    ObjectMeta metadata = resource.getMetadata();
    return new ObjectMetaBuilder()
        .withNamespace(metadata.getNamespace())
        .withName(metadata.getName())
        .withUid(metadata.getUid());
  }

  private static boolean isConflict(KubernetesClientException e) {
    return e.getCode() == HttpURLConnection.HTTP_CONFLICT;
  }
}
