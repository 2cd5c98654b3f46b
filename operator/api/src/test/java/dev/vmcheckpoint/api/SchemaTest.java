package dev.vmcheckpoint.api;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.fabric8.kubernetes.client.utils.Serialization;
import io.fabric8.kubernetes.model.annotation.ShortNames;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The Java types and the hand-written schema: each says all that the other says. */
final class SchemaTest {
  @ParameterizedTest
  @MethodSource("objects")
  void anObjectHasTheMembersOfItsRecordAndNoOthers(Member object) {
    assertThat(object.properties()).containsExactlyInAnyOrderElementsOf(object.recordComponents());
  }

  @ParameterizedTest
  @MethodSource("members")
  void theSchemaHasTheTypeThatTheJavaTypeIsWrittenAs(Member member) {
    assertThat(schemaTypeOf(member)).isEqualTo(jsonTypeOf(member.type()));
  }

  @ParameterizedTest
  @MethodSource("members")
  void whatTheSchemaDemandsOrDefaultsIsNeverNullAndEverythingElseMayBe(Member member) {
    boolean alwaysThere = member.required() || member.schema().has("default");

    // An absent list reads as an empty one.
    assertThat(member.nullable()).isEqualTo(!alwaysThere && !member.isList());
  }

  @ParameterizedTest
  @MethodSource("enums")
  void aWordIsOneOfTheConstants(Member member) {
    assertThat(texts(member.schema().path("enum")))
        .containsExactlyElementsOf(constantsOf(member.type()));
  }

  @ParameterizedTest
  @MethodSource("reasons")
  void everyReasonMayStandWhereverTheSchemaHasOne(Member member) {
    assertThat(Reason.values())
        .extracting(Reason::name)
        .allMatch(reason -> reason.matches(member.schema().path("pattern").asText()))
        .allMatch(reason -> reason.length() <= member.schema().path("maxLength").asInt());
  }

  @ParameterizedTest
  @MethodSource("members")
  void everythingIsDescribed(Member member) {
    assertThat(member.schema().path("description").asText()).endsWith(".");
  }

  @ParameterizedTest
  @MethodSource("members")
  void everythingIsBounded(Member member) {
    JsonNode schema = member.schema();
    String bound =
        switch (jsonTypeOf(member.type())) {
          case "array" -> "maxItems";
          case "integer int64" -> "minimum";
          case "object" -> "properties";
          default -> schema.has("enum") ? "enum" : "maxLength";
        };

    assertThat(schema.has(bound)).as(bound).isTrue();
  }

  @Test
  void theDefaultsOfTheSpecAreThoseThatTheJavaTypesAssume() {
    VirtualMachineCheckpointSpec bare =
        Serialization.unmarshal(
            "{\"virtualMachineRef\": {\"name\": \"db-0\"}}", VirtualMachineCheckpointSpec.class);
    JsonNode written = Serialization.unmarshal(Serialization.asJson(bare), JsonNode.class);

    assertThat(
            members()
                .filter(member -> member.path().startsWith("spec."))
                .filter(member -> member.schema().has("default")))
        .hasSize(2)
        .allSatisfy(
            member ->
                assertThat(written.path(member.path().substring("spec.".length())))
                    .isEqualTo(member.schema().path("default")));
  }

  @Test
  void theResourceHasTheNamesOfTheJavaType() {
    VirtualMachineCheckpoint resource = new VirtualMachineCheckpoint();
    JsonNode spec = Crd.read().path("spec");

    assertThat(spec.path("group").asText()).isEqualTo(resource.getGroup());
    assertThat(Crd.version().path("name").asText()).isEqualTo(resource.getVersion());
    assertThat(spec.at("/names/kind").asText()).isEqualTo(resource.getKind());
    assertThat(spec.at("/names/plural").asText()).isEqualTo(resource.getPlural());
    assertThat(spec.at("/names/singular").asText()).isEqualTo(resource.getSingular());
    assertThat(texts(spec.at("/names/shortNames")))
        .containsExactly(VirtualMachineCheckpoint.class.getAnnotation(ShortNames.class).value());
    assertThat(spec.path("scope").asText()).isEqualTo("Namespaced");
  }

  static Stream<Member> members() {
    return Member.all();
  }

  static Stream<Member> objects() {
    return members().filter(Member::isObject);
  }

  static Stream<Member> enums() {
    return members().filter(member -> member.type().isEnum() && member.type() != Reason.class);
  }

  static Stream<Member> reasons() {
    return members().filter(member -> member.path().endsWith(".reason"));
  }

  private static String schemaTypeOf(Member member) {
    JsonNode schema = member.schema();
    return schema.path("x-kubernetes-int-or-string").asBoolean()
        ? "string"
        : (schema.path("type").asText() + " " + schema.path("format").asText("")).strip();
  }

  private static String jsonTypeOf(Class<?> type) {
    if (type.isRecord()) {
      return "object";
    } else if (type == List.class) {
      return "array";
    } else if (type == Instant.class) {
      return "string date-time";
    } else if (type == long.class || type == Long.class) {
      return "integer int64";
    } else if (type == String.class || type.isEnum()) {
      return "string";
    }
    throw new AssertionError("a schema for %s is not known".formatted(type));
  }

  private static List<String> constantsOf(Class<?> type) {
    return Arrays.stream(type.getEnumConstants()).map(Object::toString).toList();
  }

  private static List<String> texts(JsonNode list) {
    return StreamSupport.stream(list.spliterator(), false).map(JsonNode::asText).toList();
  }
}
