package dev.vmcheckpoint.controller.nodes;

import dev.vmcheckpoint.controller.schedule.Aside;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.function.Supplier;

/**
 * How many calls may be under way at once, so that a node that hangs and a tenant with very many
 * machines cost others nothing. Calls beyond that wait, first come, first served. Safe for use by
 * several threads, which should be virtual.
 *
 * <p>A call takes its places in a fixed order: first among those of its namespace on its node, so
 * that what a namespace can hold of a hung node, or of any node, is a small part of its share. The
 * first call of each namespace on a node has places of its own there, so that a few namespaces
 * whose machines hang do not keep all others out: the sidecar itself takes 64 calls at once.
 */
public final class InFlightLimits {
  private static final int PER_NODE = 32;
  private static final int FIRST_ONES_PER_NODE = 24;
  private static final int PER_NAMESPACE = 32;
  private static final int PER_NAMESPACE_AND_NODE = 8;

  private final Map<String, Semaphore> places = new ConcurrentHashMap<>();
  private final Aside aside;

  /**
   * Nothing is under way yet.
   *
   * @param aside how it is waited for a place, and for the node
   */
  public InFlightLimits(Aside aside) {
    this.aside = aside;
  }

  /**
   * Calls as soon as there is a place.
   *
   * @throws IllegalStateException if the thread was interrupted while it waited: nothing was called
   */
  public <T> T call(String namespace, String node, Supplier<T> call) {
    return aside.aside(
        () ->
            within(
                places("node %s, namespace %s".formatted(node, namespace), PER_NAMESPACE_AND_NODE),
                () ->
                    within(
                        places("namespace " + namespace, PER_NAMESPACE),
                        () -> onNode(namespace, node, call))));
  }

  private <T> T onNode(String namespace, String node, Supplier<T> call) {
    Semaphore first = places("first of node %s, namespace %s".formatted(node, namespace), 1);
    Semaphore firstOnes = places("first ones of node " + node, FIRST_ONES_PER_NODE);
    if (!first.tryAcquire()) {
      return within(places("node " + node, PER_NODE), call);
    }
    try {
      return firstOnes.tryAcquire()
          ? holding(firstOnes, call)
          : within(places("node " + node, PER_NODE), call);
    } finally {
      first.release();
    }
  }

  private Semaphore places(String of, int limit) {
    return places.computeIfAbsent(of, _ -> new Semaphore(limit, true));
  }

  private static <T> T within(Semaphore places, Supplier<T> call) {
    try {
      places.acquire();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while waiting to call a sidecar", e);
    }
    return holding(places, call);
  }

  private static <T> T holding(Semaphore places, Supplier<T> call) {
    try {
      return call.get();
    } finally {
      places.release();
    }
  }
}
