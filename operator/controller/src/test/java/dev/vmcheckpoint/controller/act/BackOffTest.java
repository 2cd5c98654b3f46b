package dev.vmcheckpoint.controller.act;

import static org.assertj.core.api.Assertions.assertThat;

import io.javaoperatorsdk.operator.processing.retry.RetryExecution;
import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class BackOffTest {
  private final BackOff backOff = new BackOff(new Random(7));

  @ParameterizedTest
  @CsvSource({"0, 1000", "1, 2000", "2, 4000", "4, 16000", "5, 30000", "1000000, 30000"})
  void delaysDoubleUpToThirtySecondsGiveOrTakeAFifth(int earlierFailures, long millis) {
    for (int i = 0; i < 100; i++) {
      assertThat(backOff.delay(earlierFailures))
          .isBetween(Duration.ofMillis(millis * 8 / 10), Duration.ofMillis(millis * 12 / 10));
    }
  }

  @Test
  void whatFailedTogetherIsNotRetriedTogether() {
    assertThat(backOff.delay(5)).isNotEqualTo(backOff.delay(5));
  }

  @Test
  void anExecutionNeverGivesUp() {
    RetryExecution execution = backOff.initExecution();

    for (int i = 0; i < 1_000; i++) {
      assertThat(execution.nextDelay()).isPresent();
      assertThat(execution.isLastAttempt()).isFalse();
    }
    assertThat(execution.getAttemptCount()).isEqualTo(1_000);
  }
}
