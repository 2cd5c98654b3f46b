package dev.vmcheckpoint.node;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;

/** What a look at one machine brought: an observation, or the reason why there is none. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "result")
@JsonSubTypes({
  @JsonSubTypes.Type(value = MachineReport.Observed.class, name = "Observed"),
  @JsonSubTypes.Type(value = MachineReport.Failed.class, name = "Failed")
})
public sealed interface MachineReport {
  /** The machine that the report is about. */
  PodUid podUID();

  /** The machine answered. */
  record Observed(PodUid podUID, MachineObservation observation) implements MachineReport {}

  /** The machine could not be looked at; this says nothing about its bitmaps. */
  record Failed(PodUid podUID, Problem error) implements MachineReport {}
}
