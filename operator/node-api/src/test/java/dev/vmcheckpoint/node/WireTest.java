package dev.vmcheckpoint.node;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.stream.Collectors.toMap;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is on the wire, and what a reader takes from it. */
final class WireTest {
  private static final PodUid POD = new PodUid("1b2c");
  private static final BitmapObservation BITMAP =
      new BitmapObservation(
          "vmcp-1.2.vda", 65536, 131072, true, true, false, false, Optional.empty());
  private static final DiskImage IMAGE =
      new DiskImage("/top.qcow2", List.of("/base.qcow2"), Optional.of("/data.raw"));

  private static <T> T read(String body, Class<T> type) throws IOException {
    return Wire.read(body.getBytes(UTF_8), type);
  }

  private static JsonNode tree(String body) throws IOException {
    return new ObjectMapper().readTree(body);
  }

  static Stream<Object> everyBody() {
    return Stream.of(
        new ObserveRequest(List.of(new ObserveRequest.Target(POD))),
        new ObserveResponse(
            "start-1",
            List.of(
                new MachineReport.Observed(
                    POD,
                    new MachineObservation(
                        "7.2.22",
                        "running",
                        true,
                        "none",
                        List.of(
                            new DiskObservation(
                                "vda",
                                "#block1",
                                true,
                                Optional.empty(),
                                Optional.of(IMAGE),
                                1L << 40,
                                List.of(BITMAP),
                                List.of(new DiskObservation.Layer("/base.qcow2", List.of(BITMAP))),
                                Optional.empty()),
                            new DiskObservation(
                                "cd",
                                "",
                                false,
                                Optional.of(
                                    new DiskObservation.Ineligibility("NoMedium", "no medium")),
                                Optional.empty(),
                                0,
                                List.of(),
                                List.of(),
                                Optional.empty())))),
                new MachineReport.Failed(
                    POD, Problem.of(ErrorCode.MonitorBusy, "no greeting in time")))),
        new EnsureRequest(
            List.of("vda", "vdb"), Optional.of(65536L), Barrier.Flush, Optional.empty()),
        new EnsureRequest(List.of("vda"), Optional.empty(), Barrier.None, Optional.empty()),
        new EnsureResponse(
            List.of(
                new EnsureResponse.CheckpointDisk(
                    "vda", "vmcp-1.2.vda", "e1", "#block1", IMAGE, 1L << 40, 65536, 0)),
            true,
            true),
        new RemoveResponse(
            List.of(new RemoveResponse.Removed("vda", "vmcp-1.2.vda")),
            List.of(new RemoveResponse.Below("vda", "/base.qcow2", "vmcp-1.2.vda"))),
        new EpochRequest(
            List.of(
                new EpochRequest.Disk("vda", "e1", List.of("vmcp-1.2.vda"), List.of("e0"), false),
                new EpochRequest.Disk("vdb", "e2", List.of(), List.of(), false))),
        new EpochResponse(
            List.of(
                new DiskObservation(
                    "vda",
                    "#block1",
                    true,
                    Optional.empty(),
                    Optional.of(IMAGE),
                    1L << 40,
                    List.of(BITMAP),
                    List.of(),
                    Optional.of(new OtherBitmaps(17, Optional.of("theirs"))))),
            List.of("vda")),
        Problem.of(ErrorCode.OutcomeUnknown, "the connection broke"));
  }

  @ParameterizedTest
  @MethodSource("everyBody")
  void aBodySurvivesTheWayThroughJson(Object body) throws IOException {
    assertThat(Wire.read(Wire.bytes(body), body.getClass())).isEqualTo(body);
  }

  @Test
  void aCallerThatTellsSaysWhatItObserved() throws IOException {
    EnsureRequest request =
        new EnsureRequest(
            List.of("vda"), Optional.empty(), Barrier.Flush, Optional.of("0a".repeat(32)));

    assertThat(Wire.read(Wire.bytes(request), EnsureRequest.class)).isEqualTo(request);
  }

  @Test
  void aBitmapOfASidecarThatTellsSaysWhetherItsImageListsIt() throws IOException {
    BitmapObservation stored =
        new BitmapObservation("vmcp-epoch.1", 1, 0, false, true, false, false, Optional.of(true));

    assertThat(Wire.read(Wire.bytes(stored), BitmapObservation.class)).isEqualTo(stored);
  }

  /** Operator and sidecar of different versions meet in every upgrade and roll-back. */
  @ParameterizedTest
  @MethodSource("oneOfEachKind")
  void aBodyOfTheFirstVersionIsReadAsItWasMeant(Object body) throws IOException {
    assertThat(read(ofFirstVersion(body), body.getClass())).isEqualTo(body);
  }

  @ParameterizedTest
  @MethodSource("oneOfEachKind")
  void aBodyHasWhatTheFirstVersionReads(Object body) throws IOException {
    assertThat(tree(new String(Wire.bytes(body), UTF_8))).isEqualTo(tree(ofFirstVersion(body)));
  }

  static Collection<Object> oneOfEachKind() {
    return everyBody()
        .collect(
            toMap(Object::getClass, body -> body, (first, second) -> first, LinkedHashMap::new))
        .values();
  }

  private static String ofFirstVersion(Object body) throws IOException {
    return Files.readString(
        Path.of("src/test/wire/0.1.0", body.getClass().getSimpleName() + ".json"));
  }

  @Test
  void aReportSaysWhetherTheMachineWasObserved() throws IOException {
    MachineReport report =
        new MachineReport.Failed(POD, Problem.of(ErrorCode.MonitorBusy, "no greeting in time"));

    assertThat(tree(new String(Wire.bytes(report), UTF_8)))
        .isEqualTo(
            tree(
                """
                {"result": "Failed", "podUID": "1b2c", "error": {
                  "code": "MonitorBusy", "status": 409, "title": "Another client holds the monitor",
                  "detail": "no greeting in time", "retry": "transient"}}
                """));
  }

  @Test
  void membersOfALaterVersionAreIgnored() throws IOException {
    assertThat(read("{\"machines\": [], \"since\": 3}", ObserveRequest.class))
        .isEqualTo(new ObserveRequest(List.of()));
  }

  @Test
  void aProblemOfALaterVersionIsReadByItsRetry() throws IOException {
    Problem problem =
        read(
            """
            {"code": "OnFire", "status": 418, "title": "t", "detail": "d", "retry": "transient"}
            """,
            Problem.class);

    assertThat(problem.retry()).isEqualTo(Retry.TRANSIENT);
    assertThat(problem.is(ErrorCode.Internal)).isFalse();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "{\"disks\": null, \"barrier\": \"Flush\"}",
        "{\"disks\": [\"vda\"]}",
        "{\"disks\": [null], \"barrier\": \"Flush\"}",
        "{\"disks\": \"vda\", \"barrier\": \"Flush\"}",
        "{\"disks\": [\"vda\"], \"barrier\": 0}",
        "{\"disks\": [\"vda\"], \"barrier\": \"flush\"}",
        "{\"disks\": [\"vda\"], \"barrier\": \"Flush\", \"granularityBytes\": \"65536\"}",
        "{\"disks\": [\"vda\"], \"barrier\": \"Flush\", \"granularityBytes\": 65536.5}",
        "{\"disks\": [\"vda\"], \"disks\": [\"vdb\"], \"barrier\": \"Flush\"}",
        "{\"disks\": [\"vda\"], \"barrier\": \"Flush\"} {}",
        "[]",
        "null",
        ""
      })
  void nothingIsReadIntoABodyThatDoesNotSayIt(String body) {
    assertThatThrownBy(() -> read(body, EnsureRequest.class))
        .isInstanceOf(JsonProcessingException.class);
  }

  @Test
  void aNumberThatIsMissingIsNotZero() {
    assertThatThrownBy(
            () ->
                read(
                    """
                    {"name": "b", "granularityBytes": 512, "recording": true, "persistent": true,
                     "busy": false, "inconsistent": false}
                    """,
                    BitmapObservation.class))
        .isInstanceOf(JsonProcessingException.class);
  }

  @Test
  void deepNestingIsRefused() {
    assertThatThrownBy(
            () -> read("{\"x\":" + "[".repeat(100) + "]".repeat(100) + "}", ObserveRequest.class))
        .isInstanceOf(JsonProcessingException.class)
        .hasMessageContaining("depth");
  }
}
