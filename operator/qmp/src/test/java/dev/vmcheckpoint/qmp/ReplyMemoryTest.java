package dev.vmcheckpoint.qmp;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.api.Test;

/** Of a heap of 96 MiB: 10 MiB for the largest message, 40 MiB for all that are large. */
final class ReplyMemoryTest {
  private static final long LARGEST = 10 << 20;
  private static final long SMALL = 50 << 10;

  private final ReplyMemory memory = new ReplyMemory(96 << 20);
  private final Deadline now = Deadline.after(Duration.ZERO);

  private ReplyMemory.Share holding(long bytes) {
    ReplyMemory.Share share = memory.share();
    share.fit(bytes, now);
    share.end(bytes);
    share.fit(bytes, now);
    return share;
  }

  @Test
  void aMessageThatIsTooLargeIsRefusedAtOnce() {
    assertThatThrownBy(() -> memory.share().fit(LARGEST + 1, now))
        .isInstanceOf(QmpException.ProtocolViolated.class)
        .hasMessage("the monitor sent a message that takes more than 10485760 bytes of memory");
  }

  @Test
  void twoPeersCanHoldTwoOfTheLargestEach() {
    ReplyMemory.Share _ = holding(LARGEST);

    assertThatCode(() -> holding(LARGEST)).doesNotThrowAnyException();
  }

  @Test
  void aThirdWaitsUntilItsDeadline() {
    ReplyMemory.Share _ = holding(LARGEST);
    ReplyMemory.Share _ = holding(LARGEST);

    assertThatThrownBy(() -> holding(LARGEST))
        .isInstanceOf(QmpException.TimedOut.class)
        .hasMessageEndingWith("those of other machines have it");
  }

  @Test
  void whatIsSmallFitsBesideWhateverIsLarge() {
    ReplyMemory.Share _ = holding(LARGEST);
    ReplyMemory.Share _ = holding(LARGEST);

    assertThatCode(
            () -> {
              for (int machines = 0; machines < 120; machines++) {
                holding(SMALL);
              }
            })
        .doesNotThrowAnyException();
  }

  @Test
  void aConversationOfManyMessagesHoldsTwoOfThem() {
    ReplyMemory.Share share = memory.share();

    assertThatCode(
            () -> {
              for (int messages = 0; messages < 100; messages++) {
                share.fit(LARGEST, now);
                share.end(LARGEST);
              }
            })
        .doesNotThrowAnyException();
  }

  @Test
  void anotherGetsWhatAConversationHadWhenItHasEnded() {
    ReplyMemory.Share _ = holding(LARGEST);
    holding(LARGEST).close();

    assertThatCode(() -> holding(LARGEST)).doesNotThrowAnyException();
  }
}
