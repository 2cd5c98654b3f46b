package dev.vmcheckpoint.sidecar.http;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;
import org.slf4j.event.KeyValuePair;

final class RefusedCallersTest {
  private final AtomicLong nanos = new AtomicLong(Long.MAX_VALUE - 1);
  private final RefusedCallers refused = new RefusedCallers(nanos::get);
  private final Logger logger = (Logger) LoggerFactory.getLogger(RefusedCallers.class);
  private final ListAppender<ILoggingEvent> log = new ListAppender<>();

  @BeforeEach
  void listen() {
    log.start();
    logger.addAppender(log);
  }

  @AfterEach
  void stopListening() {
    logger.detachAppender(log);
  }

  @Test
  void theFirstIsSaidAtOnceWithItsAddressAndTheReason() {
    refused.accept("10.0.0.7:41000", "it has expired");

    assertThat(lines())
        .containsExactly(
            "[peer=\"10.0.0.7:41000\", why=\"it has expired\", othersSinceTheLastLine=\"0\"]");
  }

  @Test
  void furtherOnesAreCountedAndSaidAMinuteLater() {
    for (int caller = 0; caller < 1_000; caller++) {
      refused.accept("10.0.0.7:41000", "it has expired");
    }
    assertThat(lines()).hasSize(1);

    nanos.addAndGet(Duration.ofMinutes(1).toNanos());
    refused.accept("10.0.0.8:41000", "of another authority");

    assertThat(lines())
        .hasSize(2)
        .last()
        .asString()
        .contains("10.0.0.8", "othersSinceTheLastLine=\"999\"");
  }

  @Test
  void whatACertificateSaysForgesNoLine() {
    refused.accept("10.0.0.7:41000", "CN=x\n\u001b[2J");

    assertThat(lines()).singleElement().asString().contains("CN=x\\u000a\\u001b[2J");
  }

  private List<String> lines() {
    return log.list.stream()
        .map(ILoggingEvent::getKeyValuePairs)
        .map(RefusedCallersTest::text)
        .toList();
  }

  private static String text(List<KeyValuePair> pairs) {
    return pairs.toString();
  }
}
