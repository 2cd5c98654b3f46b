package dev.vmcheckpoint.controller.observe;

import static java.util.stream.Collectors.toMap;
import static java.util.stream.Collectors.toSet;

import dev.vmcheckpoint.controller.prune.Pages;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.ListOptionsBuilder;
import io.fabric8.kubernetes.api.model.PartialObjectMetadataList;
import io.fabric8.kubernetes.client.dsl.MetadataListable;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.javaoperatorsdk.operator.processing.event.source.Cache;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Notices a watch that has gone silent without an error: whoever believes its cache would wait for
 * ever, and keep the lease.
 *
 * <p>Each round asks the API server for the metadata of everything that is watched. Where the
 * server had something else than the cache, and the cache holds the very same in the next round,
 * the watch has told nothing of it for a whole interval.
 *
 * <p>The methods are safe for use by several threads.
 */
public final class CacheGuard implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(CacheGuard.class);

  private final Consumer<String> alarm;
  private final List<Watched> watched = new CopyOnWriteArrayList<>();
  private final ScheduledExecutorService clock =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().name("cache-guard").daemon().factory());

  /**
   * Guards nothing yet.
   *
   * @param alarm told which watch is silent, in words for the log
   */
  public CacheGuard(Consumer<String> alarm) {
    this.alarm = alarm;
  }

  /**
   * Guards a cache from the next round on.
   *
   * @param what what the cache holds, in words for the log
   * @param cache what the watch has told
   * @param server the question for everything that is watched
   */
  void guard(String what, Cache<? extends HasMetadata> cache, MetadataListable server) {
    watched.add(new Watched(what, cache, server));
  }

  /**
   * Starts the rounds; the caches have been filled by now.
   *
   * @param interval longer than a watch takes to begin anew, which fabric8 tries at least every 32
   *     seconds
   */
  public void start(Duration interval) {
    ScheduledFuture<?> _ =
        clock.scheduleWithFixedDelay(
            this::round, interval.toMillis(), interval.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** Compares all caches once. */
  void round() {
    for (Watched one : watched) {
      try {
        one.compare().forEach(difference -> alarm.accept(one.silence(difference.id())));
      } catch (RuntimeException e) {
        one.forget();
        LOG.warn("The cache of {} cannot be compared with the API server now", one.what, e);
      }
    }
  }

  @Override
  public void close() {
    clock.shutdownNow();
  }

  /** One state of a resource. */
  private record Version(String uid, String resourceVersion) {
    static Version of(HasMetadata resource) {
      return new Version(
          resource.getMetadata().getUid(), resource.getMetadata().getResourceVersion());
    }
  }

  /** What the cache holds of a resource of which the API server has something else, or nothing. */
  private record Difference(
      ResourceID id, @Nullable Version cached, @Nullable String uidAtServer) {}

  private static final class Watched {
    private final String what;
    private final Cache<? extends HasMetadata> cache;
    private final MetadataListable server;
    private Set<Difference> before = Set.of();

    private Watched(String what, Cache<? extends HasMetadata> cache, MetadataListable server) {
      this.what = what;
      this.cache = cache;
      this.server = server;
    }

    /** The differences of which the watch has not told since the last comparison. */
    private List<Difference> compare() {
      Set<Difference> now = differences();
      List<Difference> untold = now.stream().filter(before::contains).toList();
      before = now;
      return untold;
    }

    private void forget() {
      before = Set.of();
    }

    /** The cache is read first, so that the server is never the one that is behind. */
    private Set<Difference> differences() {
      Map<ResourceID, Version> cached = byId(cache.list());
      Map<ResourceID, Version> atServer = new HashMap<>();
      String next = null;
      do {
        PartialObjectMetadataList reply =
            server.listAsPartialObjectMetadata(
                new ListOptionsBuilder().withLimit(Pages.SIZE).withContinue(next).build());
        // The API server writes an empty list as null.
        atServer.putAll(byId(Stream.ofNullable(reply.getItems()).flatMap(List::stream)));
        next = reply.getMetadata().getContinue();
      } while (next != null && !next.isEmpty());
      return Stream.concat(cached.keySet().stream(), atServer.keySet().stream())
          .filter(id -> !Objects.equals(cached.get(id), atServer.get(id)))
          .map(id -> new Difference(id, cached.get(id), uid(atServer.get(id))))
          .collect(toSet());
    }

    private static @Nullable String uid(@Nullable Version version) {
      return version == null ? null : version.uid();
    }

    private static Map<ResourceID, Version> byId(Stream<? extends HasMetadata> resources) {
      return resources.collect(toMap(ResourceID::fromResource, Version::of));
    }

    private String silence(ResourceID id) {
      return "the watch of %s is silent: the API server has long had another %s/%s than the cache"
          .formatted(what, id.getNamespace().orElse(""), id.getName());
    }
  }
}
