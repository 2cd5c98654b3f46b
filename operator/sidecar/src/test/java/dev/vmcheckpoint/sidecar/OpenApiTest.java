package dev.vmcheckpoint.sidecar;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.databind.JsonNode;
import dev.vmcheckpoint.node.Barrier;
import dev.vmcheckpoint.node.BitmapObservation;
import dev.vmcheckpoint.node.CheckpointUid;
import dev.vmcheckpoint.node.DiskImage;
import dev.vmcheckpoint.node.DiskObservation;
import dev.vmcheckpoint.node.EnsureRequest;
import dev.vmcheckpoint.node.EnsureResponse;
import dev.vmcheckpoint.node.EpochRequest;
import dev.vmcheckpoint.node.EpochResponse;
import dev.vmcheckpoint.node.ErrorCode;
import dev.vmcheckpoint.node.MachineObservation;
import dev.vmcheckpoint.node.MachineReport;
import dev.vmcheckpoint.node.MutationContext;
import dev.vmcheckpoint.node.ObserveRequest;
import dev.vmcheckpoint.node.ObserveResponse;
import dev.vmcheckpoint.node.OtherBitmaps;
import dev.vmcheckpoint.node.PodUid;
import dev.vmcheckpoint.node.Problem;
import dev.vmcheckpoint.node.RemoveResponse;
import dev.vmcheckpoint.node.Retry;
import dev.vmcheckpoint.node.Wire;
import dev.vmcheckpoint.sidecar.fixture.OpenApi;
import dev.vmcheckpoint.sidecar.fixture.OpenApi.Operation;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The OpenAPI document and the records of the contract say the same, neither more. */
final class OpenApiTest {
  private static final OpenApi DOCUMENT = OpenApi.read();
  private static final Set<Class<?>> RECORDS =
      Set.of(
          BitmapObservation.class,
          DiskImage.class,
          DiskObservation.class,
          DiskObservation.Ineligibility.class,
          DiskObservation.Layer.class,
          EnsureRequest.class,
          EnsureResponse.class,
          EnsureResponse.CheckpointDisk.class,
          EpochRequest.class,
          EpochRequest.Disk.class,
          EpochResponse.class,
          MachineObservation.class,
          MachineReport.Failed.class,
          MachineReport.Observed.class,
          ObserveRequest.class,
          ObserveRequest.Target.class,
          ObserveResponse.class,
          OtherBitmaps.class,
          Problem.class,
          RemoveResponse.class,
          RemoveResponse.Below.class,
          RemoveResponse.Removed.class);

  static Stream<Class<?>> records() {
    return RECORDS.stream();
  }

  static Stream<Operation> operations() {
    return DOCUMENT.operations().stream();
  }

  static Stream<Operation> changes() {
    return operations().filter(operation -> !operation.path().equals(Wire.OBSERVE_PATH));
  }

  private static Set<String> texts(JsonNode array) {
    Set<String> texts = new TreeSet<>();
    array.forEach(each -> texts.add(each.asText()));
    return texts;
  }

  private static Set<String> members(Class<?> type, boolean withOptional) {
    Set<String> members =
        Arrays.stream(type.getRecordComponents())
            .filter(member -> withOptional || member.getType() != Optional.class)
            .map(RecordComponent::getName)
            .collect(Collectors.toCollection(TreeSet::new));
    Stream.of(type.getInterfaces())
        .map(each -> each.getAnnotation(JsonTypeInfo.class))
        .forEach(discriminator -> members.add(discriminator.property()));
    return members;
  }

  @Test
  void theOperationsAreTheCalls() {
    String checkpoint = "/v1/machines/{podUID}/checkpoints/{checkpointUID}";

    assertThat(DOCUMENT.operations())
        .containsExactlyInAnyOrder(
            new Operation("post", Wire.OBSERVE_PATH),
            new Operation("put", checkpoint),
            new Operation("delete", checkpoint),
            new Operation("delete", checkpoint + "/bitmaps/{bitmap}"),
            new Operation("put", "/v1/machines/{podUID}/epoch"));
  }

  @Test
  void thePathsAreThoseThatTheOperatorCalls() {
    PodUid machine = new PodUid("a1");
    CheckpointUid checkpoint = new CheckpointUid("c1");

    assertThat(
            Stream.of(
                Wire.OBSERVE_PATH,
                Wire.checkpointPath(machine, checkpoint),
                Wire.bitmapPath(machine, checkpoint, "vmcp-c1.1.vda"),
                Wire.epochPath(machine)))
        .containsExactlyInAnyOrderElementsOf(
            operations()
                .map(Operation::path)
                .distinct()
                .map(path -> path.replace("{podUID}", "a1"))
                .map(path -> path.replace("{checkpointUID}", "c1"))
                .map(path -> path.replace("{bitmap}", "vmcp-c1.1.vda"))
                .toList());
  }

  @ParameterizedTest
  @MethodSource("records")
  void aRecordHasTheMembersOfItsSchema(Class<?> type) {
    JsonNode schema = DOCUMENT.schema(type.getSimpleName());

    Set<String> properties = new TreeSet<>();
    schema.get("properties").fieldNames().forEachRemaining(properties::add);
    assertThat(properties).isEqualTo(members(type, true));
    assertThat(texts(schema.get("required"))).isEqualTo(members(type, false));
  }

  @Test
  void everySchemaIsOneOfARecordOrOfAWord() {
    Set<String> names =
        new TreeSet<>(
            Set.of(
                "UID", "EpochID", "BitmapName", "Barrier", "Retry", "ErrorCode", "MachineReport"));
    RECORDS.forEach(type -> names.add(type.getSimpleName()));

    assertThat(DOCUMENT.schemaNames()).isEqualTo(names);
  }

  @Test
  void theWordsAreThoseOfTheEnums() {
    assertThat(texts(DOCUMENT.schema("ErrorCode").get("enum")))
        .isEqualTo(names(ErrorCode.values()));
    assertThat(texts(DOCUMENT.schema("Barrier").get("enum"))).isEqualTo(names(Barrier.values()));
    assertThat(texts(DOCUMENT.schema("Retry").get("enum")))
        .isEqualTo(
            Arrays.stream(Retry.values())
                .map(retry -> new String(Wire.bytes(retry), UTF_8))
                .map(json -> json.replace("\"", ""))
                .collect(Collectors.toCollection(TreeSet::new)));
  }

  private static Set<String> names(Enum<?>[] values) {
    return Arrays.stream(values).map(Enum::name).collect(Collectors.toCollection(TreeSet::new));
  }

  @ParameterizedTest
  @MethodSource("operations")
  void aCodeIsListedUnderItsStatus(Operation operation) {
    for (String status : DOCUMENT.statuses(operation)) {
      for (String code : DOCUMENT.codes(operation, status)) {
        assertThat(Integer.toString(ErrorCode.valueOf(code).status())).as(code).isEqualTo(status);
      }
    }
  }

  @Test
  void everyCodeIsListed() {
    Set<String> listed = new HashSet<>();
    operations()
        .forEach(
            operation ->
                DOCUMENT
                    .statuses(operation)
                    .forEach(status -> listed.addAll(DOCUMENT.codes(operation, status))));
    // These two are not of an operation: the document's description has them.
    listed.addAll(Set.of("NotFound", "MethodNotAllowed"));

    assertThat(listed).isEqualTo(names(ErrorCode.values()));
  }

  @ParameterizedTest
  @MethodSource("changes")
  void aChangeRequiresItsContext(Operation operation) {
    assertThat(DOCUMENT.requiredHeaders(operation))
        .isEqualTo(
            List.of(
                MutationContext.START_ID_HEADER,
                MutationContext.LEADER_TERM_HEADER,
                MutationContext.DEADLINE_HEADER));
  }

  @Test
  void theBoundsAreTheSame() {
    JsonNode uid = DOCUMENT.schema("UID");
    JsonNode ensure = DOCUMENT.schema("EnsureRequest").get("properties");
    JsonNode observe = DOCUMENT.schema("ObserveRequest").get("properties");

    assertThat("0".repeat(64)).matches(uid.get("pattern").asText());
    assertThat("0".repeat(65)).doesNotMatch(uid.get("pattern").asText());
    assertThat(ensure.at("/disks/maxItems").asInt()).isEqualTo(EnsureRequest.MAX_DISKS);
    assertThat(DOCUMENT.schema("EpochRequest").at("/properties/disks/maxItems").asInt())
        .isEqualTo(EnsureRequest.MAX_DISKS);
    assertThat(DOCUMENT.schema("Disk").at("/properties/merge/maxItems").asInt())
        .isEqualTo(EpochRequest.MAX_MERGE);
    assertThat(DOCUMENT.schema("Disk").at("/properties/remove/maxItems").asInt())
        .isEqualTo(EpochRequest.MAX_REMOVE);
    assertThat(observe.at("/machines/maxItems").asInt()).isEqualTo(ObserveRequest.MAX_MACHINES);
    assertThat(DOCUMENT.parameter("deadlineMillis").at("/schema/maximum").asLong())
        .isEqualTo(MutationContext.MAX_DEADLINE_MILLIS);
  }
}
