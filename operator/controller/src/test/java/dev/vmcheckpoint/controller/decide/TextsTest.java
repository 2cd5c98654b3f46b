package dev.vmcheckpoint.controller.decide;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class TextsTest {
  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "512, 512",
    "1023, 1023",
    "1024, 1Ki",
    "65536, 64Ki",
    "1310720, 1.2Mi",
    "1503238553, 1.3Gi",
    "10737418240, 10Gi",
  })
  void bytesAreAShortQuantityThatIsNotMoreThanTheyAre(long bytes, String quantity) {
    assertThat(Texts.quantity(bytes)).isEqualTo(quantity);
  }

  @Test
  void aMessageOfTheGreatestLengthStaysWhole() {
    String message = "m".repeat(Texts.MAX_MESSAGE);

    assertThat(Texts.bounded(message)).isEqualTo(message);
  }

  @Test
  void whatCouldBreakATerminalIsNotInAMessage() {
    assertThat(Texts.bounded("a\u001b[2J")).isEqualTo("a\\u001b[2J");
  }

  @Test
  void aLongerOneIsCutOffVisibly() {
    assertThat(Texts.bounded("m".repeat(Texts.MAX_MESSAGE + 1)))
        .hasSize(Texts.MAX_MESSAGE)
        .endsWith("m...");
  }
}
