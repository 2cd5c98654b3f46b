package dev.vmcheckpoint.qmp.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.vmcheckpoint.qmp.Command;
import dev.vmcheckpoint.qmp.Deadline;
import dev.vmcheckpoint.qmp.Event;
import dev.vmcheckpoint.qmp.ExpectedEvent;
import dev.vmcheckpoint.qmp.QemuVersion;
import dev.vmcheckpoint.qmp.Qmp;
import dev.vmcheckpoint.qmp.QmpException;
import dev.vmcheckpoint.qmp.Timeouts;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a QEMU that changes between two replies makes of a look. */
final class MachineTest {
  private static final String VDA = "/machine/peripheral/vda/virtio-backend";

  @Test
  void repliesOfDifferentGraphsAreAskedForAgain() {
    Changing qmp = new Changing(List.of("running"), contradictory(), RecordedReplies.read());

    assertThat(observe(qmp).disks()).hasSize(3);
  }

  @Test
  void repliesThatGoOnContradictingEachOtherAreNotQmp() {
    Changing qmp = new Changing(List.of("running"), contradictory());

    assertThatThrownBy(() -> observe(qmp))
        .isInstanceOf(QmpException.ProtocolViolated.class)
        .hasMessageContaining("contradict each other");
  }

  @Test
  void aGuestThatWentAwayDuringTheLookIsNotRun() {
    Changing qmp = new Changing(List.of("running", "postmigrate"), RecordedReplies.read());

    assertThat(observe(qmp).guest().runsGuest()).isFalse();
  }

  @Test
  void aGuestThatCameDuringTheLookIsNotRunYet() {
    Changing qmp = new Changing(List.of("inmigrate", "running"), RecordedReplies.read());

    assertThat(observe(qmp).guest().runState()).isEqualTo("inmigrate");
  }

  @ParameterizedTest
  @CsvSource({
    "stream, running",
    "stream, pending",
    "stream, concluded",
    "commit, created",
    "commit, running",
    "commit, paused",
    "commit, pending"
  })
  void nodesAreNotAskedForWhileAJobTakesLayersOut(String type, String status) {
    Changing qmp = new Changing(List.of("running"), RecordedReplies.read()).with(type, status);

    assertThatThrownBy(() -> observe(qmp))
        .isInstanceOf(QmpException.Unsafe.class)
        .hasMessageContaining("the %s job some (%s)".formatted(type, status));
    assertThat(qmp.sent).doesNotContain(Command.QUERY_NAMED_BLOCK_NODES);
  }

  @ParameterizedTest
  @CsvSource({
    "commit, ready",
    "commit, concluded",
    "mirror, running",
    "mirror, ready",
    "backup, running",
    "backup, concluded",
    "create, running"
  })
  void otherJobsAreNotInTheWay(String type, String status) {
    Changing qmp = new Changing(List.of("running"), RecordedReplies.read()).with(type, status);

    assertThat(observe(qmp).disks()).hasSize(3);
  }

  @ParameterizedTest
  @CsvSource({"5, running", "5, concluded", "6, concluded"})
  void anOldQemuIsNotAskedForItsNodesWhileABackupMayEnd(int major, String status) {
    Changing qmp = new Changing(List.of("running"), RecordedReplies.read()).with("backup", status);
    qmp.version = new QemuVersion(major, 2, 0);

    assertThatThrownBy(() -> observe(qmp)).isInstanceOf(QmpException.Unsafe.class);
    assertThat(qmp.sent).doesNotContain(Command.QUERY_NAMED_BLOCK_NODES);
  }

  @Test
  void aBackupThatWaitsToBeFinalizedIsNotInTheWayOfAnOldQemu() {
    Changing qmp =
        new Changing(List.of("running"), RecordedReplies.read()).with("backup", "pending");
    qmp.version = new QemuVersion(5, 2, 0);

    assertThat(observe(qmp).disks()).hasSize(3);
  }

  @Test
  void jobsAreAskedForRightBeforeTheNodes() {
    Changing qmp = new Changing(List.of("running"), RecordedReplies.read());

    observe(qmp);

    assertThat(qmp.sent).containsSequence(Command.QUERY_JOBS, Command.QUERY_NAMED_BLOCK_NODES);
  }

  private static RecordedReplies contradictory() {
    RecordedReplies replies = RecordedReplies.read();
    replies.device("query-blockstats", VDA).put("node-name", "new");
    return replies;
  }

  private static MachineState observe(Qmp qmp) {
    return new Machine(qmp, Timeouts.DEFAULT).observe(Deadline.after(Duration.ofMinutes(1)));
  }

  /** Gives the answers in order, and the last ones again and again. */
  private static final class Changing implements Qmp {
    private final Deque<String> runStates;
    private final Deque<RecordedReplies> graphs;
    private final ArrayNode jobs = JsonNodeFactory.instance.arrayNode();
    private final List<Command> sent = new ArrayList<>();
    private QemuVersion version = new QemuVersion(7, 2, 22);

    Changing(List<String> runStates, RecordedReplies... graphs) {
      this.runStates = new ArrayDeque<>(runStates);
      this.graphs = new ArrayDeque<>(List.of(graphs));
    }

    Changing with(String jobType, String jobStatus) {
      jobs.addObject().put("id", "some").put("type", jobType).put("status", jobStatus);
      return this;
    }

    @Override
    public JsonNode execute(Command command, ObjectNode arguments, Duration timeout) {
      sent.add(command);
      return switch (command) {
        case QUERY_STATUS -> JsonNodeFactory.instance.objectNode().put("status", next(runStates));
        case QUERY_MIGRATE -> JsonNodeFactory.instance.objectNode();
        case QUERY_NAMED_BLOCK_NODES -> next(graphs).json().path(command.wireName());
        case QUERY_JOBS -> jobs;
        case QUERY_BLOCKSTATS -> graphs.element().json().path(command.wireName());
        default -> throw new AssertionError(command);
      };
    }

    private static <T> T next(Deque<T> answers) {
      return answers.size() > 1 ? answers.remove() : answers.element();
    }

    @Override
    public ExpectedEvent expect(Event event, String id) {
      throw new AssertionError(event);
    }

    @Override
    public QemuVersion version() {
      return version;
    }
  }
}
