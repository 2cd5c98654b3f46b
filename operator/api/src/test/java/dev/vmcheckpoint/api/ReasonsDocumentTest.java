package dev.vmcheckpoint.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** The document for users says what the enum says. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class ReasonsDocumentTest {
  private static final String DOCUMENT = "/docs/reasons.md";
  private static final String HEADER = "| Reason | Where | Cause | Remedy |\n|---|---|---|---|\n";

  private List<Row> table = List.of();

  /** A line of the table, each cell as it is rendered. */
  private record Row(String reason, String where, String cause, String remedy) {
    static Row of(String line) {
      String[] cells = line.replace("&lt;", "<").split("\\|", -1);
      assertThat(cells).as(line).hasSize(6);
      return new Row(cells[1].strip(), cells[2].strip(), cells[3].strip(), cells[4].strip());
    }
  }

  @BeforeAll
  void readTable() throws IOException {
    try (InputStream document =
        Objects.requireNonNull(getClass().getResourceAsStream(DOCUMENT), DOCUMENT)) {
      String text = new String(document.readAllBytes(), StandardCharsets.UTF_8);
      assertThat(text).containsOnlyOnce(HEADER);
      table = text.substring(text.indexOf(HEADER) + HEADER.length()).lines().map(Row::of).toList();
    }
  }

  @Test
  void everyReasonHasALineInTheOrderOfTheEnum() {
    assertThat(table)
        .extracting(Row::reason)
        .containsExactlyElementsOf(
            Arrays.stream(Reason.values()).map(reason -> "`" + reason + "`").toList());
  }

  @Test
  void causeAndRemedyAreThoseOfTheEnum() {
    assertThat(table)
        .extracting(row -> List.of(row.cause(), row.remedy()))
        .containsExactlyElementsOf(
            Arrays.stream(Reason.values())
                .map(reason -> List.of(reason.cause(), reason.remedy()))
                .toList());
  }

  @Test
  void aReasonAppearsWhereTheDocumentExplains() {
    assertThat(table)
        .flatExtracting(row -> List.of(row.where().split(", ", -1)))
        .isSubsetOf("Ready", "Valid", "Reconciling", "Stalled", "disk", "skipped disk", "event");
  }
}
