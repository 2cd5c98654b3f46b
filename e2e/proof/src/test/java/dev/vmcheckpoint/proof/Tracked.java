package dev.vmcheckpoint.proof;

import com.fasterxml.jackson.databind.JsonNode;
import dev.vmcheckpoint.proof.fixture.Resource;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;

/** A checkpoint that a history made, and what was said of it. */
final class Tracked {
  private final Resource resource;
  private final boolean flushed;
  private final Map<String, TrackedDisk> disks = new LinkedHashMap<>();
  private String creationTime = "";

  Tracked(Resource resource, boolean flushed) {
    this.resource = resource;
    this.flushed = flushed;
  }

  Resource resource() {
    return resource;
  }

  /** Its disks; none before it is established. */
  Collection<TrackedDisk> disks() {
    return disks.values();
  }

  boolean isEstablished() {
    return !creationTime.isEmpty();
  }

  /**
   * Takes note of a status, and fails where it takes back what was said before.
   *
   * @param volumes what each device holds
   */
  void isSaid(JsonNode status, Map<String, Volume> volumes) {
    if (!isEstablished() && status.has("creationTime")) {
      creationTime = status.path("creationTime").asText();
      status.path("disks").forEach(disk -> add(disk, volumes));
    }
    if (!status.path("creationTime").asText().equals(creationTime)
        || (isEstablished() && status.path("disks").size() != disks.size())) {
      throw new AssertionError("what was established has changed: " + status);
    }
    disks.values().forEach(disk -> disk.isSaid(find(status, disk.device())));
  }

  private void add(JsonNode said, Map<String, Volume> volumes) {
    String device = said.path("name").asText();
    String bitmap = said.path("bitmap").asText();
    Volume volume = volumes.get(device);
    if (volume == null || !bitmap.startsWith("vmcp-" + resource.uid() + ".")) {
      throw new AssertionError("no bitmap of this checkpoint on a disk that is there: " + said);
    }
    disks.put(device, new TrackedDisk(device, bitmap, volume, flushed));
    volume.bitmaps().add(bitmap, said.path("granularityBytes").asLong(), true);
  }

  private static JsonNode find(JsonNode status, String device) {
    for (JsonNode disk : status.path("disks")) {
      if (disk.path("name").asText().equals(device)) {
        return disk;
      }
    }
    throw new AssertionError("disk %s has vanished from status %s".formatted(device, status));
  }
}
