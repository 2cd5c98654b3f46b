package dev.vmcheckpoint.api;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The operator's own conditions, immutable. Each change gives a new list, in the order of {@link
 * ConditionType}; a transition time moves only when a status flips.
 *
 * @param list at most one condition of each type
 */
public record Conditions(List<Condition> list) {
  private static final List<String> OURS =
      Arrays.stream(ConditionType.values()).map(Enum::name).toList();

  /** Takes over our own conditions; those of other writers stay theirs. */
  public Conditions {
    list = oursOf(list);
  }

  /** No conditions at all. */
  public static Conditions none() {
    return new Conditions(List.of());
  }

  /** The condition of that type. */
  public Optional<Condition> get(ConditionType type) {
    return list.stream().filter(condition -> condition.is(type)).findFirst();
  }

  /** Whether the condition of that type is there and True. */
  public boolean isTrue(ConditionType type) {
    return get(type).filter(c -> c.status() == Condition.Status.True).isPresent();
  }

  /**
   * With that condition set.
   *
   * @param now becomes the transition time if the condition is new or its status flips
   */
  public Conditions with(
      ConditionType type,
      Condition.Status status,
      Reason reason,
      String message,
      long observedGeneration,
      Instant now) {
    Instant since =
        get(type)
            .filter(before -> before.status() == status)
            .map(Condition::lastTransitionTime)
            .orElse(now.truncatedTo(ChronoUnit.SECONDS));
    List<Condition> changed = new ArrayList<>(without(type).list);
    changed.add(
        new Condition(type.name(), status, reason.name(), message, since, observedGeneration));
    return new Conditions(changed);
  }

  /** With no condition of that type. */
  public Conditions without(ConditionType type) {
    return new Conditions(list.stream().filter(condition -> !condition.is(type)).toList());
  }

  private static List<Condition> oursOf(List<Condition> all) {
    return OURS.stream()
        .flatMap(type -> all.stream().filter(condition -> condition.type().equals(type)).limit(1))
        .toList();
  }
}
