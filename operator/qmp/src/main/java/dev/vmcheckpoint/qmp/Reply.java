package dev.vmcheckpoint.qmp;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * A part of a command's result, read strictly: what QAPI calls mandatory has to be there, and
 * everything has to have its type.
 *
 * @param where how to get there, for messages: {@code query-block[0].inserted}
 */
public record Reply(String where, JsonNode json) {
  /** A mandatory string. */
  public String text(String member) {
    return optionalText(member).orElseThrow(() -> violated(member, "a string"));
  }

  /** An optional string. */
  public Optional<String> optionalText(String member) {
    return member(member, Reply::isText, "a string").map(JsonNode::textValue);
  }

  /** Half a surrogate pair is no Unicode, and no document with it in it could be written. */
  private static boolean isText(JsonNode value) {
    return value.isTextual()
        && value
            .textValue()
            .codePoints()
            .noneMatch(c -> Character.getType(c) == Character.SURROGATE);
  }

  /** A mandatory boolean. */
  public boolean flag(String member) {
    return optionalFlag(member).orElseThrow(() -> violated(member, "a boolean"));
  }

  /** An optional boolean. */
  public Optional<Boolean> optionalFlag(String member) {
    return member(member, JsonNode::isBoolean, "a boolean").map(JsonNode::booleanValue);
  }

  /** A mandatory number that is not negative. */
  public long size(String member) {
    return member(
            member,
            value -> value.canConvertToLong() && value.isIntegralNumber() && value.longValue() >= 0,
            "a size")
        .map(JsonNode::longValue)
        .orElseThrow(() -> violated(member, "a size"));
  }

  /** A mandatory number above zero. */
  public long positive(String member) {
    long value = size(member);
    if (value == 0) {
      throw violated(member, "above zero");
    }
    return value;
  }

  /** An optional object. */
  public Optional<Reply> child(String member) {
    return member(member, JsonNode::isObject, "an object")
        .map(value -> new Reply(where + "." + member, value));
  }

  /** The objects of an optional array; none where it is absent. */
  public List<Reply> items(String member) {
    return member(member, JsonNode::isArray, "an array")
        .map(value -> new Reply(where + "." + member, value).items())
        .orElse(List.of());
  }

  /** The objects of this array. */
  public List<Reply> items() {
    if (!json.isArray()) {
      throw new QmpException.ProtocolViolated("%s is not an array".formatted(where));
    }
    List<Reply> items = new ArrayList<>(json.size());
    for (JsonNode item : json) {
      if (!item.isObject()) {
        throw new QmpException.ProtocolViolated(
            "%s[%d] is not an object".formatted(where, items.size()));
      }
      items.add(new Reply("%s[%d]".formatted(where, items.size()), item));
    }
    return items;
  }

  private Optional<JsonNode> member(String member, Predicate<JsonNode> type, String typeName) {
    JsonNode value = json.get(member);
    if (value != null && !type.test(value)) {
      throw violated(member, typeName);
    }
    return Optional.ofNullable(value);
  }

  private QmpException violated(String member, String typeName) {
    return new QmpException.ProtocolViolated("%s.%s is not %s".formatted(where, member, typeName));
  }
}
