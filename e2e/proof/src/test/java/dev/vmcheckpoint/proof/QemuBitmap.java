package dev.vmcheckpoint.proof;

import com.fasterxml.jackson.databind.JsonNode;

/** A bitmap as QEMU lists it: QAPI {@code BlockDirtyInfo}. */
record QemuBitmap(
    String name,
    long granularityBytes,
    boolean recording,
    boolean persistent,
    boolean busy,
    boolean inconsistent) {
  static QemuBitmap of(JsonNode info) {
    return new QemuBitmap(
        info.path("name").asText(),
        info.path("granularity").asLong(),
        info.path("recording").asBoolean(),
        info.path("persistent").asBoolean(),
        info.path("busy").asBoolean(),
        info.path("inconsistent").asBoolean());
  }

  boolean isHealthy() {
    return recording && !inconsistent;
  }
}
