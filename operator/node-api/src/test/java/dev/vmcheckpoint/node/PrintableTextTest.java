package dev.vmcheckpoint.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class PrintableTextTest {
  private static final String ESCAPE = "\u001b[2J";

  @ParameterizedTest
  @ValueSource(ints = {0x00, '\n', 0x1b, 0x7f, 0x9b, 0x200b, 0x2028, 0x202e, 0xd800, 0xe000})
  void whatIsNotToBeSeenIsWrittenAsItsCode(int character) {
    assertThat(PrintableText.of("a" + Character.toString(character) + "b", 100))
        .isEqualTo("a\\u%04xb".formatted(character));
  }

  @Test
  void whatIsToBeSeenStays() {
    String text = "/images/Größe 見本 🖴 \"a\\b\".qcow2";

    assertThat(PrintableText.of(text, 100)).isEqualTo(text);
  }

  @Test
  void textOfTheGreatestLengthStays() {
    assertThat(PrintableText.of("12345", 5)).isEqualTo("12345");
  }

  @Test
  void longerTextIsCutOff() {
    assertThat(PrintableText.of("123456", 5)).isEqualTo("12...");
    assertThat(PrintableText.of("\n".repeat(1 << 20), 1024)).hasSize(1024).endsWith("...");
  }

  @Test
  void noPairOfSurrogatesIsCutInHalves() {
    assertThat(PrintableText.of("1🖴🖴🖴", 5)).isEqualTo("1...");
  }

  // In the contract

  @Test
  void aProblemsDetailIsPrintable() {
    assertThat(Problem.of(ErrorCode.Refused, "no" + ESCAPE).detail()).isEqualTo("no\\u001b[2J");
  }

  @Test
  void whatPeopleReadOfAMachineIsPrintable() {
    MachineObservation machine =
        new MachineObservation("7.2.22", "run" + ESCAPE, true, "mig" + ESCAPE, List.of());

    assertThat(machine.runState()).isEqualTo("run\\u001b[2J");
    assertThat(machine.migration()).isEqualTo("mig\\u001b[2J");
  }

  @Test
  void whatPeopleReadOfADiskIsPrintable() {
    DiskObservation disk =
        new DiskObservation(
            "disk" + ESCAPE,
            "node" + ESCAPE,
            true,
            Optional.of(new DiskObservation.Ineligibility("Odd", "why" + ESCAPE)),
            Optional.empty(),
            0,
            List.of(),
            List.of(),
            Optional.empty());

    assertThat(disk.name()).isEqualTo("disk\\u001b[2J");
    assertThat(disk.blockNode()).isEqualTo("node\\u001b[2J");
    assertThat(disk.ineligible())
        .hasValueSatisfying(why -> assertThat(why.message()).isEqualTo("why\\u001b[2J"));
  }
}
