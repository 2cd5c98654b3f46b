package dev.vmcheckpoint.sidecar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.vmcheckpoint.node.BitmapObservation;
import dev.vmcheckpoint.node.CheckpointUid;
import dev.vmcheckpoint.node.DiskObservation;
import dev.vmcheckpoint.node.EpochRequest;
import dev.vmcheckpoint.node.ErrorCode;
import dev.vmcheckpoint.node.MachineReport;
import dev.vmcheckpoint.node.MutationContext;
import dev.vmcheckpoint.node.NodeApiException;
import dev.vmcheckpoint.node.ObserveRequest;
import dev.vmcheckpoint.node.PodUid;
import dev.vmcheckpoint.node.PrintableText;
import dev.vmcheckpoint.node.Problem;
import dev.vmcheckpoint.node.fixture.TestAuthority;
import dev.vmcheckpoint.node.fixture.TestAuthority.Subject;
import dev.vmcheckpoint.sidecar.fixture.FakeMonitor;
import dev.vmcheckpoint.sidecar.fixture.PodsDirectory;
import dev.vmcheckpoint.sidecar.fixture.SidecarProcess;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A monitor whose device, node, image and bitmap have names that were made to break out of what
 * they are written into: JSON, lines of a log, a terminal.
 */
@TestInstance(Lifecycle.PER_CLASS)
final class HostileNamesIT {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final PodUid VM = new PodUid("a1");
  private static final CheckpointUid CHECKPOINT = new CheckpointUid("c1");

  private final PodsDirectory pods = PodsDirectory.create();
  private final SidecarProcess sidecar = start();

  private SidecarProcess start() {
    TestAuthority authority = new TestAuthority();
    return SidecarProcess.startAsInItsContainer(
        authority, pods, authority.secret(pods.beside("tls"), Subject.SIDECAR));
  }

  @AfterEach
  void removePod() throws IOException {
    pods.remove(VM);
  }

  @AfterAll
  void stop() {
    sidecar.close();
    pods.close();
  }

  static Stream<String> names() {
    return Stream.of(
        "x\n{\"level\":\"ERROR\",\"formattedMessage\":\"forged\"}\r\n",
        "x\u001b[2J\u001b]0;owned\u0007\u009b31m",
        "x\"}], \"error\": {\"code\": \"None\"}, \\\"\\u0022",
        "x\u2028y\u2029\u0085\u000b\f",
        "x\u202egpj.exe\u2066\u200f\ufeff",
        "x\u0000y",
        "%s%n%p${jndi:ldap://x}{}",
        "x".repeat(60_000));
  }

  @ParameterizedTest
  @MethodSource("names")
  void inTheAnswerAboutItTheyAreNamesAndNothingElse(String name) throws IOException {
    try (FakeMonitor _ = FakeMonitor.at(pods.socket(VM), called(name))) {
      MachineReport.Observed report =
          (MachineReport.Observed)
              sidecar
                  .api()
                  .observe(new ObserveRequest(List.of(new ObserveRequest.Target(VM))))
                  .machines()
                  .getFirst();

      assertThat(report.observation().disks()).hasSize(1);
      DiskObservation disk = report.observation().disks().getFirst();
      assertThat(disk.name()).isEqualTo(PrintableText.of(name, 1024));
      assertThat(disk.blockNode()).isEqualTo(PrintableText.of(name, 1024));
      // These two tell one from another, and so come as they are.
      assertThat(disk.image().orElseThrow().file()).isEqualTo(name);
      assertThat(disk.bitmaps())
          .extracting(BitmapObservation::name)
          .containsExactly(bitmap(name), bitmap("vda"));
    }
  }

  @ParameterizedTest
  @MethodSource("names")
  void whatIsSaidAndLoggedOfABitmapIsOneLineThatCanBeShown(String name) throws IOException {
    try (FakeMonitor _ = FakeMonitor.at(pods.socket(VM), called(name))) {
      Problem problem =
          catchThrowableOfType(
                  NodeApiException.Answered.class,
                  () -> sidecar.api().removeCheckpoint(VM, CHECKPOINT, context()))
              .problem();

      assertThat(problem.is(ErrorCode.BitmapBusy)).isTrue();
      assertShownInOneLine(problem, "detail", sidecar.awaitLogLine("remove checkpoint"));
    }
  }

  @ParameterizedTest
  @MethodSource("names")
  void whatIsLoggedOfADiskInARequestIsOneLineThatCanBeShown(String name) throws IOException {
    EpochRequest request =
        new EpochRequest(List.of(new EpochRequest.Disk(name, "e1", List.of(), List.of(), false)));
    try (FakeMonitor _ = FakeMonitor.at(pods.socket(VM), called("vda"))) {
      Problem problem =
          catchThrowableOfType(
                  NodeApiException.Answered.class,
                  () -> sidecar.api().renewEpoch(VM, request, context()))
              .problem();

      assertThat(problem.is(ErrorCode.DiskUnknown)).isTrue();
      String line = sidecar.awaitLogLine("renew epoch");
      assertShownInOneLine(problem, "detail", line);
      assertThat(value(line, "disks")).hasSizeLessThanOrEqualTo(4096);
    }
  }

  private static void assertShownInOneLine(Problem problem, String key, String line)
      throws IOException {
    assertThat(line).isEqualTo(PrintableText.of(line, Integer.MAX_VALUE));
    assertThat(value(line, key)).isEqualTo(problem.detail()).hasSizeLessThanOrEqualTo(4096);
  }

  /** What a line of the log has under a key. */
  private static String value(String line, String key) throws IOException {
    for (JsonNode pair : JSON.readTree(line).get("kvpList")) {
      if (pair.has(key)) {
        return pair.get(key).asText();
      }
    }
    throw new AssertionError("no %s in %s".formatted(key, line));
  }

  private static String bitmap(String name) {
    return "vmcp-%s.a.%s".formatted(CHECKPOINT, name);
  }

  private static Map<String, Object> busy(String bitmap) {
    return Map.of(
        "name",
        bitmap,
        "recording",
        true,
        "persistent",
        true,
        "busy",
        true,
        "granularity",
        65_536,
        "count",
        0);
  }

  /** A machine with a disk and a busy bitmap that are called so, beside one of a checkpoint. */
  private static FakeMonitor.Script called(String name) {
    Map<String, Object> image =
        Map.of(
            "virtual-size",
            1 << 20,
            "format-specific",
            Map.of("type", "qcow2", "data", Map.of("compat", "1.1")));
    Map<String, String> shown =
        Map.of(
            "query-blockstats",
            json(List.of(Map.of("qdev", name, "node-name", name))),
            "query-named-block-nodes",
            json(
                List.of(
                    Map.of(
                        "node-name",
                        name,
                        "drv",
                        "qcow2",
                        "file",
                        name,
                        "ro",
                        false,
                        "image",
                        image,
                        "dirty-bitmaps",
                        List.of(busy(bitmap(name)), busy(bitmap("vda")))))));
    return client -> {
      client.greet();
      client.answerQueries(shown);
    };
  }

  private static String json(Object value) {
    return JSON.valueToTree(value).toString();
  }

  private MutationContext context() {
    String startId = sidecar.api().observe(new ObserveRequest(List.of())).startId();
    return new MutationContext(startId, 1, 10_000);
  }
}
