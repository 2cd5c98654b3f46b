package dev.vmcheckpoint.controller.nodes;

import dev.vmcheckpoint.node.NodeApiException;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Logs why a sidecar does not answer: once, until it answers again. A status says only that it does
 * not, as addresses and times would make each look another status. Safe for use by several threads.
 */
public final class SilentSidecars {
  private static final Logger LOG = LoggerFactory.getLogger(SilentSidecars.class);

  private final Set<String> silent = ConcurrentHashMap.newKeySet();

  void answered(String node) {
    if (silent.remove(node)) {
      LOG.info("The sidecar of node {} answers again", node);
    }
  }

  void failed(String node, NodeApiException failure) {
    if (failure instanceof NodeApiException.Answered) {
      answered(node);
    } else if (silent.add(node)) {
      LOG.warn("The sidecar of node {} does not answer: {}", node, failure.getMessage());
    }
  }
}
