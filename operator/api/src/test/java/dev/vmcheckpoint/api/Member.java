package dev.vmcheckpoint.api;

import com.fasterxml.jackson.databind.JsonNode;
import java.lang.reflect.AnnotatedParameterizedType;
import java.lang.reflect.AnnotatedType;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/**
 * One place of the resource, as the schema and as the Java types describe it.
 *
 * @param path where it is, as {@code kubectl explain} takes it
 * @param schema its schema
 * @param type its Java type; for a list that of the list
 * @param element for a list the Java type of its elements
 * @param required whether the schema demands it
 * @param nullable whether the Java type lets it be absent
 */
record Member(
    String path,
    JsonNode schema,
    Class<?> type,
    @Nullable Class<?> element,
    boolean required,
    boolean nullable) {

  /** The parts of the resource that are ours, and everything in them, outer before inner. */
  static Stream<Member> all() {
    return Stream.of(
            root("spec", VirtualMachineCheckpointSpec.class),
            root("status", VirtualMachineCheckpointStatus.class))
        .flatMap(Member::withDescendants);
  }

  private static Member root(String name, Class<?> type) {
    return new Member(name, Crd.schema().at("/properties/" + name), type, null, true, false);
  }

  /** Whether it is an object with members of its own. */
  boolean isObject() {
    return type.isRecord();
  }

  /** Whether it is a list. */
  boolean isList() {
    return element != null;
  }

  /** Names of its members by its record. */
  List<String> recordComponents() {
    return Arrays.stream(type.getRecordComponents()).map(RecordComponent::getName).toList();
  }

  /** Names of its members by the schema. */
  List<String> properties() {
    return StreamSupport.stream(
            ((Iterable<String>) () -> schema.path("properties").fieldNames()).spliterator(), false)
        .toList();
  }

  private Stream<Member> withDescendants() {
    return Stream.concat(Stream.of(this), children().flatMap(Member::withDescendants));
  }

  private Stream<Member> children() {
    if (element != null) {
      return Stream.of(new Member(path + "[]", schema.path("items"), element, null, true, false));
    }
    return isObject() ? Arrays.stream(type.getRecordComponents()).map(this::child) : Stream.empty();
  }

  private Member child(RecordComponent component) {
    AnnotatedType type = component.getAnnotatedType();
    return new Member(
        path + "." + component.getName(),
        schema.path("properties").path(component.getName()),
        component.getType(),
        type instanceof AnnotatedParameterizedType list
            ? (Class<?>) list.getAnnotatedActualTypeArguments()[0].getType()
            : null,
        StreamSupport.stream(schema.path("required").spliterator(), false)
            .anyMatch(name -> name.asText().equals(component.getName())),
        type.isAnnotationPresent(Nullable.class));
  }

  @Override
  public String toString() {
    return path;
  }
}
