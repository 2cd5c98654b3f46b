package dev.vmcheckpoint.controller.prune;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.databind.BeanDescription;
import com.fasterxml.jackson.databind.DeserializationConfig;
import com.fasterxml.jackson.databind.JsonDeserializer;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.deser.BeanDeserializerModifier;
import com.fasterxml.jackson.databind.module.SimpleModule;
import dev.vmcheckpoint.api.VirtualMachineCheckpoint;
import dev.vmcheckpoint.api.WellKnown;
import io.fabric8.kubernetes.api.model.ContainerStateBuilder;
import io.fabric8.kubernetes.api.model.ContainerStateRunning;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.ContainerStatusBuilder;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.PartialObjectMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodSpecBuilder;
import io.fabric8.kubernetes.api.model.PodStatus;
import io.fabric8.kubernetes.api.model.PodStatusBuilder;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Keeps of checkpoints and pods only what the operator uses. Their owners make the rest as large as
 * they like, and the operator has all of them in memory. This happens as each is read, so that it
 * holds for caches, pages of lists and replies alike.
 *
 * <p>What was read so must not be written back as a whole. The operator applies fields of its own,
 * or patches one place.
 */
public final class Pruning extends BeanDeserializerModifier {
  /** The longest annotation that is kept, in characters. */
  private static final int MAX_ANNOTATION = 1024;

  private final transient Set<String> podLabels;

  private Pruning(Set<String> podLabels) {
    this.podLabels = podLabels;
  }

  /** Nobody reads them, and as objects they take many times the room that they have in JSON. */
  @JsonIgnoreProperties("managedFields")
  private abstract static class WithoutManagedFields {}

  /**
   * How the operator's client is to read.
   *
   * @param podLabels keys of the labels of pods that are used
   */
  public static KubernetesSerialization serialization(List<String> podLabels) {
    ObjectMapper mapper = new ObjectMapper();
    mapper.addMixIn(ObjectMeta.class, WithoutManagedFields.class);
    mapper.registerModule(
        new SimpleModule().setDeserializerModifier(new Pruning(Set.copyOf(podLabels))));
    boolean searchClassLoaders = true;
    return new KubernetesSerialization(mapper, searchClassLoaders);
  }

  @Override
  public JsonDeserializer<?> modifyDeserializer(
      DeserializationConfig config, BeanDescription description, JsonDeserializer<?> deserializer) {
    Class<?> read = description.getBeanClass();
    if (read == VirtualMachineCheckpoint.class) {
      return new PruningDeserializer<>(
          deserializer, VirtualMachineCheckpoint.class, Pruning::checkpoint);
    }
    if (read == Pod.class) {
      return new PruningDeserializer<>(deserializer, Pod.class, this::pod);
    }
    if (read == PartialObjectMetadata.class) {
      return new PruningDeserializer<>(deserializer, PartialObjectMetadata.class, Pruning::partial);
    }
    return deserializer;
  }

  private static void checkpoint(VirtualMachineCheckpoint checkpoint) {
    metadata(checkpoint.getMetadata(), Set.of(), Set.of(WellKnown.PROBE_REQUESTED_AT));
  }

  private static void partial(PartialObjectMetadata partial) {
    metadata(partial.getMetadata(), Set.of(), Set.of());
  }

  private void pod(Pod pod) {
    metadata(pod.getMetadata(), podLabels, Set.of());
    if (pod.getSpec() != null) {
      pod.setSpec(new PodSpecBuilder().withNodeName(pod.getSpec().getNodeName()).build());
    }
    if (pod.getStatus() != null) {
      pod.setStatus(status(pod.getStatus()));
    }
  }

  private static PodStatus status(PodStatus status) {
    return new PodStatusBuilder()
        .withPhase(status.getPhase())
        .withPodIP(status.getPodIP())
        .withConditions(
            status.getConditions().stream()
                .filter(condition -> "Ready".equals(condition.getType()))
                .toList())
        .withContainerStatuses(containers(status.getContainerStatuses()))
        .build();
  }

  /** One that runs stands for all, and so does one of those that do not run where none does. */
  private static List<ContainerStatus> containers(List<ContainerStatus> all) {
    Optional<ContainerStatus> running =
        all.stream().filter(Pruning::isRunning).findFirst().map(_ -> running());
    return running
        .or(() -> all.stream().findFirst().map(_ -> new ContainerStatusBuilder().build()))
        .stream()
        .toList();
  }

  private static boolean isRunning(ContainerStatus container) {
    return container.getState() != null && container.getState().getRunning() != null;
  }

  private static ContainerStatus running() {
    return new ContainerStatusBuilder()
        .withState(new ContainerStateBuilder().withRunning(new ContainerStateRunning()).build())
        .build();
  }

  private static void metadata(ObjectMeta metadata, Set<String> labels, Set<String> annotations) {
    metadata.setLabels(only(metadata.getLabels(), labels));
    metadata.setAnnotations(only(metadata.getAnnotations(), annotations));
    metadata.setOwnerReferences(List.of());
    metadata.setFinalizers(Finalizers.of(metadata.getFinalizers()));
  }

  private static Map<String, String> only(Map<String, String> all, Set<String> keys) {
    Map<String, String> kept = new HashMap<>(all);
    kept.keySet().retainAll(keys);
    kept.values().removeIf(value -> value.length() > MAX_ANNOTATION);
    return Map.copyOf(kept);
  }
}
