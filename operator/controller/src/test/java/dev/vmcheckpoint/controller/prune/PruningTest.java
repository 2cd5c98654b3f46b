package dev.vmcheckpoint.controller.prune;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.api.VirtualMachineCheckpoint;
import dev.vmcheckpoint.api.WellKnown;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.PartialObjectMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodList;
import io.fabric8.kubernetes.client.readiness.Readiness;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What is left of an object once it was read. */
final class PruningTest {
  private static final String METADATA =
      """
      {"name": "one", "namespace": "shop", "uid": "u", "resourceVersion": "7", "generation": 3,
       "creationTimestamp": "2026-05-04T12:00:00Z", "deletionTimestamp": "2026-05-04T13:00:00Z",
       "labels": {"example.com/machine": "db-0", "foreign": "x"},
       "annotations": {"vmcheckpoint.dev/probe-requested-at": "now", "foreign": "x"},
       "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "db", "uid": "v"}],
       "finalizers": ["first", "second", "%s", "last"],
       "managedFields": [{"manager": "m", "fieldsV1": {"f:metadata": {"f:labels": {}}}}]}
      """
          .formatted(WellKnown.FINALIZER);

  private final KubernetesSerialization reader =
      Pruning.serialization(List.of("example.com/machine"));

  @Test
  void ofACheckpointNobodyElsesMetadataIsKept() {
    ObjectMeta metadata = checkpoint().getMetadata();

    assertThat(metadata.getLabels()).isEmpty();
    assertThat(metadata.getAnnotations()).containsOnlyKeys(WellKnown.PROBE_REQUESTED_AT);
    assertThat(metadata.getOwnerReferences()).isEmpty();
    assertThat(metadata.getManagedFields()).isEmpty();
  }

  @Test
  void ofACheckpointWhatIsReconciledIsKept() {
    VirtualMachineCheckpoint read = checkpoint();

    assertThat(read.getMetadata())
        .extracting(
            ObjectMeta::getName,
            ObjectMeta::getNamespace,
            ObjectMeta::getUid,
            ObjectMeta::getResourceVersion,
            ObjectMeta::getGeneration,
            ObjectMeta::getCreationTimestamp,
            ObjectMeta::getDeletionTimestamp)
        .containsExactly(
            "one", "shop", "u", "7", 3L, "2026-05-04T12:00:00Z", "2026-05-04T13:00:00Z");
    assertThat(read.getSpec().virtualMachineRef().name()).isEqualTo("db-0");
  }

  @Test
  void theOperatorsFinalizerKeepsItsPlaceAmongOthersOfWhichNothingIsKept() {
    assertThat(checkpoint().getMetadata().getFinalizers())
        .isEqualTo(List.of("", "", WellKnown.FINALIZER));
  }

  @Test
  void otherFinalizersAloneAreNone() {
    VirtualMachineCheckpoint read =
        reader.unmarshal(
            """
            {"apiVersion": "vmcheckpoint.dev/v1alpha1", "kind": "VirtualMachineCheckpoint",
             "metadata": {"name": "one", "finalizers": ["foreign"]}}
            """,
            VirtualMachineCheckpoint.class);

    assertThat(read.getMetadata().getFinalizers()).isEmpty();
  }

  @Test
  void aProbeThatCannotBeAnsweredIsNotKept() {
    VirtualMachineCheckpoint read =
        reader.unmarshal(
            """
            {"apiVersion": "vmcheckpoint.dev/v1alpha1", "kind": "VirtualMachineCheckpoint",
             "metadata": {"name": "one", "annotations": {"%s": "%s"}}}
            """
                .formatted(WellKnown.PROBE_REQUESTED_AT, "x".repeat(1025)),
            VirtualMachineCheckpoint.class);

    assertThat(read.getMetadata().getAnnotations()).isEmpty();
  }

  @Test
  void aCopyIsTheSame() {
    VirtualMachineCheckpoint read = checkpoint();

    assertThat(reader.clone(read)).isEqualTo(read);
  }

  @Test
  void whatAWatchTellsIsPrunedAsWell() {
    reader.registerKubernetesResource(VirtualMachineCheckpoint.class);

    HasMetadata read = reader.unmarshal(checkpointJson());

    assertThat(read).isEqualTo(checkpoint());
  }

  @Test
  void ofAPodTheLabelsOfMachinesTheNodeAndTheStateAreKept() {
    Pod read = pod("{\"running\": {\"startedAt\": \"2026-05-04T12:00:00Z\"}}");

    assertThat(read.getMetadata().getLabels()).isEqualTo(Map.of("example.com/machine", "db-0"));
    assertThat(read.getMetadata().getAnnotations()).isEmpty();
    assertThat(read.getSpec().getNodeName()).isEqualTo("node-1");
    assertThat(read.getSpec().getContainers()).isEmpty();
    assertThat(read.getStatus().getPhase()).isEqualTo("Running");
    assertThat(read.getStatus().getPodIP()).isEqualTo("10.0.0.1");
    assertThat(Readiness.isPodReady(read)).isTrue();
  }

  @Test
  void aContainerThatRunsStandsForAll() {
    assertThat(pod("{\"running\": {}}").getStatus().getContainerStatuses())
        .singleElement()
        .satisfies(
            container -> {
              assertThat(container.getImage()).isNull();
              assertThat(container.getState().getRunning()).isNotNull();
            });
  }

  @Test
  void whereNoContainerRunsThatIsKept() {
    assertThat(pod("{\"terminated\": {\"exitCode\": 1}}").getStatus().getContainerStatuses())
        .singleElement()
        .satisfies(container -> assertThat(container.getState()).isNull());
  }

  @Test
  void theItemsOfAListArePruned() {
    PodList read =
        reader.unmarshal(
            """
            {"apiVersion": "v1", "kind": "PodList", "items": [{"metadata": %s}]}
            """
                .formatted(METADATA),
            PodList.class);

    assertThat(read.getItems())
        .singleElement()
        .satisfies(item -> assertThat(item.getMetadata().getAnnotations()).isEmpty());
  }

  @Test
  void ofMetadataAloneNobodyElsesIsKept() {
    PartialObjectMetadata read =
        reader.unmarshal("{\"metadata\": %s}".formatted(METADATA), PartialObjectMetadata.class);

    assertThat(read.getMetadata().getUid()).isEqualTo("u");
    assertThat(read.getMetadata().getLabels()).isEmpty();
    assertThat(read.getMetadata().getAnnotations()).isEmpty();
  }

  @Test
  void whatTheOperatorWritesBackAsAWholeIsKept() {
    ConfigMap read =
        reader.unmarshal(
            "{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": %s}"
                .formatted(METADATA),
            ConfigMap.class);

    assertThat(read.getMetadata().getLabels()).hasSize(2);
    assertThat(read.getMetadata().getAnnotations()).hasSize(2);
    assertThat(read.getMetadata().getFinalizers()).hasSize(4);
    assertThat(read.getMetadata().getOwnerReferences()).hasSize(1);
  }

  private VirtualMachineCheckpoint checkpoint() {
    return reader.unmarshal(checkpointJson(), VirtualMachineCheckpoint.class);
  }

  private static String checkpointJson() {
    return """
    {"apiVersion": "vmcheckpoint.dev/v1alpha1", "kind": "VirtualMachineCheckpoint",
     "metadata": %s, "spec": {"virtualMachineRef": {"name": "db-0"}}}
    """
        .formatted(METADATA);
  }

  private Pod pod(String state) {
    return reader.unmarshal(
        """
        {"apiVersion": "v1", "kind": "Pod", "metadata": %s,
         "spec": {"nodeName": "node-1", "containers": [{"name": "main"}]},
         "status": {"phase": "Running", "podIP": "10.0.0.1",
           "conditions": [{"type": "Initialized", "status": "True"},
             {"type": "Ready", "status": "True"}],
           "containerStatuses": [
             {"name": "ended", "state": {"terminated": {"exitCode": 0}}},
             {"name": "main", "image": "i", "state": %s}]}}
        """
            .formatted(METADATA, state),
        Pod.class);
  }
}
