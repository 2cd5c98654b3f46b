package dev.vmcheckpoint.sidecar.machine;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vmcheckpoint.sidecar.handle.FileStatus;
import java.nio.file.attribute.UserPrincipal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class PeerTest {
  private record User(String getName) implements UserPrincipal {}

  private static void requireOwner(String listener, long owner) throws Peer.StrangerException {
    FileStatus socket = new FileStatus(0140770, 1, owner, new User(Long.toString(owner)));
    new Peer(new User(listener)).requireOwner(socket);
  }

  @Test
  void whoeverMadeTheSocketMayListen() {
    assertThatCode(() -> requireOwner("107", 107)).doesNotThrowAnyException();
  }

  @ParameterizedTest
  @CsvSource({"65643, 107", "131072, 0", "-65429, 107"})
  void soMayHeInAUserNamespaceOfItsOwn(String listener, long owner) {
    assertThatCode(() -> requireOwner(listener, owner)).doesNotThrowAnyException();
  }

  @ParameterizedTest
  @CsvSource({"108, 107", "0, 107", "107, 0", "65644, 107", "107, 65643", "root, 107", "nobody, 0"})
  void anotherMayNot(String listener, long owner) {
    assertThatThrownBy(() -> requireOwner(listener, owner))
        .hasMessage("the user %s listens, but %d owns the socket", listener, owner);
  }
}
