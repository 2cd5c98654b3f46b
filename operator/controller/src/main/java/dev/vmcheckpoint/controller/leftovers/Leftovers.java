package dev.vmcheckpoint.controller.leftovers;

import dev.vmcheckpoint.controller.decide.Leftover;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiConsumer;

/**
 * The leftovers on record, by the UIDs of their checkpoints: read once, and kept in step from then
 * on, as only the leader writes them. Safe for use by several threads.
 */
public final class Leftovers {
  private final LeftoverStore store;
  private final BiConsumer<String, Leftover> onDropped;
  private final Counter dropped;
  private final Map<String, Leftover> known = new ConcurrentHashMap<>();
  private volatile boolean loaded;

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
    List<Leftover> gone = store.put(leftover);
    known.put(leftover.checkpoint(), leftover);
    for (Leftover old : gone) {
      known.remove(old.checkpoint());
      dropped.increment();
      onDropped.accept(LeftoverStore.shardOf(old), old);
    }
  }

  /** Nothing of it is left any more. */
  void settled(Leftover leftover) {
    store.remove(leftover);
    known.remove(leftover.checkpoint());
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
