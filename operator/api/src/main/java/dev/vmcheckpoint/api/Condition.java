package dev.vmcheckpoint.api;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A condition as {@code metav1.Condition} has it. Type and reason are plain strings because other
 * writers may add conditions of their own.
 *
 * @param type for ours a {@link ConditionType}
 * @param status whether it holds
 * @param reason for ours a {@link Reason}
 * @param message a sentence, for people; may be empty
 * @param lastTransitionTime when {@code status} last changed
 * @param observedGeneration the {@code metadata.generation} that the condition is about
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Condition(
    String type,
    Status status,
    String reason,
    String message,
    Instant lastTransitionTime,
    @Nullable Long observedGeneration) {

  /** Whether a condition holds. */
  public enum Status {
    True,
    False,
    Unknown
  }

  /** Whether this condition is of that type. */
  public boolean is(ConditionType wanted) {
    return type.equals(wanted.name());
  }
}
