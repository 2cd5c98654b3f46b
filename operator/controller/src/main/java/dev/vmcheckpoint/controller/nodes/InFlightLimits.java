package dev.vmcheckpoint.controller.nodes;

import dev.vmcheckpoint.controller.schedule.Aside;
import dev.vmcheckpoint.controller.schedule.Turns;
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

  private final Turns ofNamespaceOnNode = new Turns(PER_NAMESPACE_AND_NODE, Aside.NONE);
  private final Turns ofNamespace = new Turns(PER_NAMESPACE, Aside.NONE);
  private final Turns ofNode = new Turns(PER_NODE, Aside.NONE);
  private final Turns first = new Turns(1, Aside.NONE);
  private final Turns firstOnesOfNode = new Turns(FIRST_ONES_PER_NODE, Aside.NONE);
  private final Aside aside;

  private record Place(String namespace, String node) {}

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
    Place place = new Place(namespace, node);
    return aside.aside(
        () ->
            ofNamespaceOnNode.take(
                place, () -> ofNamespace.take(namespace, () -> onNode(place, call))));
  }

  private <T> T onNode(Place place, Supplier<T> call) {
    String node = place.node();
    return first
        .tryTake(
            place,
            () -> firstOnesOfNode.tryTake(node, call).orElseGet(() -> ofNode.take(node, call)))
        .orElseGet(() -> ofNode.take(node, call));
  }
}
