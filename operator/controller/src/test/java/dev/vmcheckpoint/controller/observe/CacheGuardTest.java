package dev.vmcheckpoint.controller.observe;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.ListMetaBuilder;
import io.fabric8.kubernetes.api.model.ListOptions;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.api.model.PartialObjectMetadata;
import io.fabric8.kubernetes.api.model.PartialObjectMetadataList;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.MetadataListable;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.javaoperatorsdk.operator.processing.event.source.Cache;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A cache that is behind for a whole interval is told from one that is only a moment behind. */
final class CacheGuardTest {
  private final List<String> alarms = new ArrayList<>();
  private final FakeCache cache = new FakeCache();
  private final FakeServer server = new FakeServer();
  private final CacheGuard guard = new CacheGuard(alarms::add);

  @BeforeEach
  void watch() {
    guard.guard("pods", cache, server);
  }

  @Test
  void aCacheThatHoldsWhatTheServerHasIsGood() {
    server.put("db-0", "uid-0", 1);
    cache.put("db-0", "uid-0", 1);

    rounds(3);

    assertThat(alarms).isEmpty();
  }

  @Test
  void aNewResourceThatNeverComesIsNoticed() {
    server.put("db-0", "uid-0", 1);

    rounds(2);

    assertThat(alarms).singleElement().asString().contains("watch of pods").contains("ns/db-0");
  }

  @Test
  void aChangeThatNeverComesIsNoticed() {
    cache.put("db-0", "uid-0", 1);
    server.put("db-0", "uid-0", 2);

    guard.round();
    server.put("db-0", "uid-0", 3);
    guard.round();

    assertThat(alarms).hasSize(1);
  }

  @Test
  void aDeletionThatNeverComesIsNoticed() {
    cache.put("db-0", "uid-0", 1);

    rounds(2);

    assertThat(alarms).hasSize(1);
  }

  @Test
  void whatIsBehindForTheFirstTimeMayStillCome() {
    server.put("db-0", "uid-0", 1);

    guard.round();

    assertThat(alarms).isEmpty();
  }

  @Test
  void aCacheThatFollowsIsGoodHoweverFarBehind() {
    for (int version = 1; version < 5; version++) {
      cache.put("db-0", "uid-0", version);
      server.put("db-0", "uid-0", version + 1);
      guard.round();
    }

    assertThat(alarms).isEmpty();
  }

  @Test
  void aNameThatIsTakenAnewBeforeEachRoundIsNoSilence() {
    for (int i = 0; i < 3; i++) {
      server.put("db-0", "uid-" + i, i);
      guard.round();
    }

    assertThat(alarms).isEmpty();
  }

  @Test
  void whatWasSeenBeforeTheServerCouldNotBeAskedDoesNotCount() {
    server.put("db-0", "uid-0", 1);

    guard.round();
    server.isDown = true;
    guard.round();
    server.isDown = false;
    guard.round();

    assertThat(alarms).isEmpty();
  }

  @Test
  void repliesInPartsAreReadToTheirEnd() {
    for (int i = 0; i < 7; i++) {
      server.put("db-" + i, "uid-" + i, i);
      cache.put("db-" + i, "uid-" + i, i);
    }
    server.itemsPerReply = 3;

    rounds(2);

    assertThat(alarms).isEmpty();
  }

  private void rounds(int count) {
    for (int i = 0; i < count; i++) {
      guard.round();
    }
  }

  private static PartialObjectMetadata resource(String name, String uid, int version) {
    PartialObjectMetadata resource = new PartialObjectMetadata();
    resource.setMetadata(
        new ObjectMetaBuilder()
            .withNamespace("ns")
            .withName(name)
            .withUid(uid)
            .withResourceVersion(Integer.toString(version))
            .build());
    return resource;
  }

  private static final class FakeCache implements Cache<PartialObjectMetadata> {
    private final Map<ResourceID, PartialObjectMetadata> resources = new LinkedHashMap<>();

    private void put(String name, String uid, int version) {
      resources.put(new ResourceID(name, "ns"), resource(name, uid, version));
    }

    @Override
    public Optional<PartialObjectMetadata> get(ResourceID id) {
      return Optional.ofNullable(resources.get(id));
    }

    @Override
    public Stream<ResourceID> keys() {
      return resources.keySet().stream();
    }

    @Override
    public Stream<PartialObjectMetadata> list(Predicate<PartialObjectMetadata> predicate) {
      return resources.values().stream().filter(predicate);
    }
  }

  private static final class FakeServer implements MetadataListable {
    private final Map<String, PartialObjectMetadata> resources = new LinkedHashMap<>();
    private int itemsPerReply = 100;
    private boolean isDown;

    private void put(String name, String uid, int version) {
      resources.put(name, resource(name, uid, version));
    }

    @Override
    public PartialObjectMetadataList listAsPartialObjectMetadata() {
      return listAsPartialObjectMetadata(new ListOptions());
    }

    @Override
    public PartialObjectMetadataList listAsPartialObjectMetadata(ListOptions options) {
      if (isDown) {
        throw new KubernetesClientException("down");
      }
      int from = Optional.ofNullable(options.getContinue()).map(Integer::parseInt).orElse(0);
      int to = Math.min(resources.size(), from + itemsPerReply);
      PartialObjectMetadataList reply = new PartialObjectMetadataList();
      // As the real one, it says null for none.
      reply.setItems(from == to ? null : List.copyOf(resources.values()).subList(from, to));
      reply.setMetadata(
          new ListMetaBuilder()
              .withContinue(to < resources.size() ? Integer.toString(to) : "")
              .build());
      return reply;
    }
  }
}
