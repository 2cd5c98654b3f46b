package dev.vmcheckpoint.controller.leftovers;

import dev.vmcheckpoint.controller.decide.Leftover;
import dev.vmcheckpoint.controller.schedule.Aside;
import dev.vmcheckpoint.controller.schedule.Turns;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiConsumer;
import java.util.function.Supplier;

/**
 * The leftovers on record, by the UIDs of their checkpoints: read once, and kept in step from then
 * on, as only the leader writes them. Writes to one ConfigMap take turns, and so do namespaces:
 * otherwise they would be in conflict, and a tenant who deletes very much at once would have the
 * records of others fail. Safe for use by several threads.
 */
public final class Leftovers {
  private final LeftoverStore store;
  private final BiConsumer<String, Leftover> onDropped;
  private final Counter dropped;
  private final Map<String, Leftover> known = new ConcurrentHashMap<>();
  private final Turns turns = new Turns(1, Aside.NONE);
  private volatile boolean loaded;

  /** One writer of a namespace at a time stands before those of others. */
  private record Writer(String namespace, String configMap) {}

  /**
   * @param onDropped told of each record that was dropped, after the name of the ConfigMap that
   *     held it
   */
  public Leftovers(
      LeftoverStore store, BiConsumer<String, Leftover> onDropped, MeterRegistry meters) {
    this.store = store;
    this.onDropped = onDropped;
    this.dropped =
        Counter.builder("vmcheckpoint.leftovers.dropped")
            .description("Records of leftovers that were dropped because there were too many")
            .register(meters);
    Gauge.builder("vmcheckpoint.leftovers", known, Map::size)
        .description("Deleted checkpoints of which bitmaps are left, as far as recorded")
        .register(meters);
  }

  /**
   * Records a leftover, durably.
   *
   * @throws io.fabric8.kubernetes.client.KubernetesClientException if it could not be written
   */
  public void record(Leftover leftover) {
    List<Leftover> gone =
        alone(
            leftover,
            () -> {
              List<Leftover> others = store.put(leftover);
              known.put(leftover.checkpoint(), leftover);
              others.forEach(other -> known.remove(other.checkpoint()));
              return others;
            });
    for (Leftover old : gone) {
      dropped.increment();
      onDropped.accept(LeftoverStore.shardOf(old), old);
    }
  }

  /** Nothing of it is left any more. */
  void settled(Leftover leftover) {
    alone(
        leftover,
        () -> {
          store.remove(leftover);
          return known.remove(leftover.checkpoint());
        });
  }

  /** Writes to the leftover's ConfigMap while no other thread does. */
  private <T> T alone(Leftover leftover, Supplier<T> write) {
    String configMap = LeftoverStore.shardOf(leftover);
    return turns.take(
        new Writer(leftover.namespace(), configMap), () -> turns.take(configMap, write));
  }

  /** Every leftover on record. */
  List<Leftover> all() {
    if (!loaded) {
      store.load().forEach(leftover -> known.putIfAbsent(leftover.checkpoint(), leftover));
      loaded = true;
    }
    return List.copyOf(known.values());
  }
}
