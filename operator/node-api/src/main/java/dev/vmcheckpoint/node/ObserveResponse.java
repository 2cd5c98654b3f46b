package dev.vmcheckpoint.node;

import java.util.List;

/**
 * Answer to {@link ObserveRequest}.
 *
 * @param startId random, drawn by the sidecar at its start; a mutating call has to name it, so that
 *     after a restart of the sidecar a caller looks again before it changes anything
 * @param machines one report for each machine asked for, in that order
 */
public record ObserveResponse(String startId, List<MachineReport> machines) {
  public ObserveResponse {
    machines = List.copyOf(machines);
  }
}
