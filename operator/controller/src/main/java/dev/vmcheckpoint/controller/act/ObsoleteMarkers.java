package dev.vmcheckpoint.controller.act;

import dev.vmcheckpoint.controller.decide.ObsoleteMarker;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The markers that this process itself has made useless, as far as they are not yet removed. What
 * is forgotten, at the latest when the process ends, stays in its image and does no harm there.
 * Safe for use by several threads.
 */
public final class ObsoleteMarkers {
  private static final int MAX_MACHINES = 10_000;
  private static final int MAX_PER_MACHINE = 1_000;

  private final Map<Machine, Set<ObsoleteMarker>> markers = new LinkedHashMap<>();

  private record Machine(String namespace, String name) {}

  /** Those of a machine. */
  public synchronized List<ObsoleteMarker> of(String namespace, String machine) {
    return List.copyOf(markers.getOrDefault(new Machine(namespace, machine), Set.of()));
  }

  /** These may be removed once nobody relies on them. */
  public synchronized void add(String namespace, String machine, List<ObsoleteMarker> obsolete) {
    if (obsolete.isEmpty()) {
      return;
    }
    Set<ObsoleteMarker> known =
        markers.computeIfAbsent(new Machine(namespace, machine), _ -> new LinkedHashSet<>());
    known.addAll(obsolete);
    dropOldest(known, MAX_PER_MACHINE);
    dropOldest(markers.keySet(), MAX_MACHINES);
  }

  private static <T> void dropOldest(Set<T> inOrder, int limit) {
    while (inOrder.size() > limit) {
      inOrder.remove(inOrder.iterator().next());
    }
  }

  /** These are gone. */
  public synchronized void removed(String namespace, String machine, List<ObsoleteMarker> gone) {
    Machine key = new Machine(namespace, machine);
    Set<ObsoleteMarker> known = markers.getOrDefault(key, new LinkedHashSet<>());
    gone.forEach(known::remove);
    if (known.isEmpty()) {
      markers.remove(key);
    }
  }
}
