package dev.vmcheckpoint.qmp.flush;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vmcheckpoint.qmp.Deadline;
import dev.vmcheckpoint.qmp.fixture.FakePeer;
import dev.vmcheckpoint.qmp.fixture.FakePeer.Client;
import dev.vmcheckpoint.qmp.fixture.FakePeer.Script;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** An NBD server's peer is a tenant's process: whatever it does ends in bounded time and memory. */
@Timeout(30)
final class NbdClientIT {
  private static final Duration SHORT = Duration.ofSeconds(1);
  private static final Duration LONG = Duration.ofSeconds(20);
  private static final String GREETING = "NBDMAGICIHAVEOPT" + hex("0003");
  private static final String OPTION_REPLY = hex("0003e889045565a9 00000007");
  private static final String EXPORT_THAT_TAKES_FLUSHES =
      OPTION_REPLY + hex("00000003 0000000c 0000 0000000001000000 040f");
  private static final String EXPORT_THAT_TAKES_NONE =
      OPTION_REPLY + hex("00000003 0000000c 0000 0000000001000000 0003");
  private static final String ACK = OPTION_REPLY + hex("00000001 00000000");
  private static final String FLUSHED = hex("67446698 00000000 0000000000000001");

  @TempDir Path dir;

  @Test
  void aServerThatFlushesIsHeard() {
    assertThatCode(() -> flush(GREETING, EXPORT_THAT_TAKES_FLUSHES, ACK, FLUSHED))
        .doesNotThrowAnyException();
  }

  @Test
  void aServerThatSaysNothingTimesOut() {
    assertThatThrownBy(() -> flush(SHORT)).isInstanceOf(TimeoutException.class);
  }

  @Test
  void aServerThatDoesNotAnswerTheFlushTimesOut() {
    assertThatThrownBy(() -> flush(SHORT, GREETING, EXPORT_THAT_TAKES_FLUSHES, ACK))
        .isInstanceOf(TimeoutException.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"{\"QMP\": {\"version\": {}}}", "NBDMAGIC\0\0B\2\201\206\22S\0\0\0\0\0\0\0\0"})
  void aPeerThatIsNoNewstyleServerIsRefused(String greeting) {
    assertThatThrownBy(() -> flush(greeting))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("no NBD server");
  }

  @Test
  void anExportThatTheServerDoesNotHaveIsRefused() {
    assertThatThrownBy(() -> flush(GREETING, OPTION_REPLY + hex("80000006 00000000")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("refused the export");
  }

  @Test
  void anExportThatTakesNoFlushesIsRefused() {
    assertThatThrownBy(() -> flush(GREETING, EXPORT_THAT_TAKES_NONE, ACK))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("takes no flushes");
  }

  @Test
  void aReplyOfEnormousLengthIsNotReadFor() {
    assertThatThrownBy(() -> flush(GREETING, OPTION_REPLY + hex("00000003 7fffffff")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("2147483647 bytes");
  }

  @Test
  void repliesWithoutAnEndAreNotReadFor() {
    assertThatThrownBy(() -> flush(GREETING, EXPORT_THAT_TAKES_FLUSHES.repeat(1000)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("without an end");
  }

  @Test
  void aMalformedOptionReplyIsRefused() {
    assertThatThrownBy(() -> flush(GREETING, "x".repeat(20)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("NBD_OPT_GO is malformed");
  }

  @Test
  void aFlushThatFailedIsAFailure() {
    assertThatThrownBy(
            () ->
                flush(
                    GREETING,
                    EXPORT_THAT_TAKES_FLUSHES,
                    ACK,
                    hex("67446698 00000005 0000000000000001")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("NBD error 5");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"67446698 00000000 0000000000000002", "668e33ef 00000000 0000000000000001"})
  void aReplyToSomethingElseIsNoSuccess(String reply) {
    assertThatThrownBy(() -> flush(GREETING, EXPORT_THAT_TAKES_FLUSHES, ACK, hex(reply)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("NBD_CMD_FLUSH is malformed");
  }

  @Test
  void aServerThatHangsUpIsLost() {
    Script script =
        client -> {
          client.send(GREETING);
          client.hangUp();
        };

    assertThatThrownBy(() -> flush(LONG, script)).isInstanceOf(IOException.class);
  }

  private void flush(String... sent) throws IOException, TimeoutException {
    flush(LONG, sent);
  }

  private void flush(Duration time, String... sent) throws IOException, TimeoutException {
    flush(
        time,
        (Client client) -> {
          for (String bytes : sent) {
            client.send(bytes);
          }
        });
  }

  private void flush(Duration time, Script script) throws IOException, TimeoutException {
    Deadline deadline = Deadline.after(time);
    try (FakePeer peer = FakePeer.listen(dir.resolve("s"), script);
        NbdClient client = NbdClient.greet(peer.connect(), deadline)) {
      client.go("export", deadline);
      client.flush(deadline);
    }
  }

  /** Bytes as Latin-1 characters. */
  private static String hex(String digits) {
    StringBuilder bytes = new StringBuilder();
    String dense = digits.replace(" ", "");
    for (int i = 0; i < dense.length(); i += 2) {
      bytes.append((char) Integer.parseInt(dense.substring(i, i + 2), 16));
    }
    return bytes.toString();
  }
}
