package dev.vmcheckpoint.node;

import com.fasterxml.jackson.annotation.JsonProperty;

/** Whether sending the call again can help. */
public enum Retry {
  /** The same call will be refused again: something else has to change first. */
  @JsonProperty("final")
  FINAL,
  /** Nothing was done, and later it may work. */
  @JsonProperty("transient")
  TRANSIENT,
  /** It may have been done, in part or whole: look before acting again. */
  @JsonProperty("unknown")
  UNKNOWN
}
