package dev.vmcheckpoint.controller.nodes;

import dev.vmcheckpoint.node.HttpNodeApi;
import dev.vmcheckpoint.node.HttpNodeApi.Timeouts;
import dev.vmcheckpoint.node.NodeApi;
import java.net.URI;
import java.net.http.HttpClient;

/** Opens the way to a sidecar whose address is known. */
@FunctionalInterface
public interface NodeApis {
  /**
   * The calls of one sidecar.
   *
   * @param node the node that it runs on
   * @param address the address of its pod
   */
  NodeApi at(String node, String address);

  /**
   * Over HTTPS; makes no connection before the first call.
   *
   * @param port the TCP port that every sidecar listens on
   */
  static NodeApis over(HttpClient client, int port) {
    return (node, address) -> new HttpNodeApi(uri(address, port), node, client, Timeouts.DEFAULT);
  }

  private static URI uri(String address, int port) {
    String host = address.contains(":") ? "[" + address + "]" : address;
    return URI.create("https://%s:%d".formatted(host, port));
  }
}
