package dev.vmcheckpoint.node;

import java.util.List;

/**
 * Body of {@code POST /v1/machines/observe}: one call serves a whole node.
 *
 * @param machines the machines to look at, at most {@value #MAX_MACHINES}; each has its own
 *     deadline
 */
public record ObserveRequest(List<Target> machines) {
  /** The most machines that one call may name. */
  public static final int MAX_MACHINES = 1024;

  public ObserveRequest {
    machines = List.copyOf(machines);
    if (machines.size() > MAX_MACHINES) {
      throw new IllegalArgumentException(
          "at most %d machines a call, not %d".formatted(MAX_MACHINES, machines.size()));
    }
  }

  /**
   * One machine to look at.
   *
   * @param podUID the pod whose {@code qmp} volume holds the monitor's socket
   */
  public record Target(PodUid podUID) {}
}
