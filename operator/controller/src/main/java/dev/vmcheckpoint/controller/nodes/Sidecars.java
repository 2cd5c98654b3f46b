package dev.vmcheckpoint.controller.nodes;

import dev.vmcheckpoint.node.NodeApi;
import java.util.Optional;

/** Finds the sidecar of a node. */
public interface Sidecars {
  /** The one that runs on that node now; empty where none does. */
  Optional<NodeApi> on(String node);
}
