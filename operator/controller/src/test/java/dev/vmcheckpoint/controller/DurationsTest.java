package dev.vmcheckpoint.controller;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.TypeConversionException;

final class DurationsTest {
  @ParameterizedTest
  @CsvSource({"500ms, PT0.5S", "10s, PT10S", "5m, PT5M", "1h, PT1H"})
  void aTimeIsAWholeNumberAndAUnit(String given, Duration time) {
    assertThat(new Durations().convert(given)).isEqualTo(time);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "10", "s", "0s", "-1s", "1.5s", "10 s", "1d", "PT10S", "1m30s"})
  void anythingElseIsRefusedWithAnExample(String given) {
    assertThatThrownBy(() -> new Durations().convert(given))
        .isInstanceOf(TypeConversionException.class)
        .hasMessageContaining("'" + given + "'")
        .hasMessageContaining("10s");
  }
}
