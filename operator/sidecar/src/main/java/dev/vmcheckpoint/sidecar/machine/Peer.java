package dev.vmcheckpoint.sidecar.machine;

import dev.vmcheckpoint.sidecar.handle.FileStatus;
import java.io.IOException;
import java.nio.channels.SocketChannel;
import java.nio.file.attribute.UserPrincipal;
import jdk.net.ExtendedSocketOptions;

/**
 * The user whose process listens at the other end of a unix socket ({@code SO_PEERCRED}, unix(7)).
 *
 * @param user as this process sees him
 */
record Peer(UserPrincipal user) {
  /** The kubelet gives pods with a user namespace of their own ranges of multiples of this. */
  private static final long USER_NAMESPACE = 1 << 16;

  static Peer of(SocketChannel channel) throws IOException {
    return new Peer(channel.getOption(ExtendedSocketOptions.SO_PEERCRED).user());
  }

  /**
   * Whoever makes a socket owns it, so that he who listens and is another was handed it.
   *
   * @throws StrangerException where the peer does not own the socket
   */
  void requireOwner(FileStatus socket) throws StrangerException {
    if (!user.equals(socket.owner()) && !isOwnerInNamespace(socket.uid())) {
      throw new StrangerException(
          "the user %s listens, but %s owns the socket"
              .formatted(user.getName(), socket.owner().getName()));
    }
  }

  /** There the volume shows the user's id in the namespace, and the connection that of the node. */
  private boolean isOwnerInNamespace(long owner) {
    return user.getName().matches("-?[0-9]{1,10}")
        && owner < USER_NAMESPACE
        && ((int) Long.parseLong(user.getName()) & (USER_NAMESPACE - 1)) == owner;
  }

  /** The peer is somebody else. */
  static final class StrangerException extends Exception {
    private static final long serialVersionUID = 1L;

    private final String who;

    StrangerException(String who) {
      super(who);
      this.who = who;
    }

    /** Who listens, and whose socket it is. */
    String who() {
      return who;
    }
  }
}
