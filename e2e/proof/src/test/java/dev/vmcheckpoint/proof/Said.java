package dev.vmcheckpoint.proof;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.vmcheckpoint.proof.fixture.Awaiting;
import dev.vmcheckpoint.proof.fixture.Resource;

/**
 * What a user sees of a checkpoint after a fresh look: of its first disk the state, the reason and
 * the message; the conditions; and the event.
 */
final class Said {
  private static final String WARNING = "Warning";
  private static final String NORMAL = "Normal";

  private Said() {}

  static JsonNode assertLost(Resource checkpoint, String reason, String message) {
    return assertLost(checkpoint, 0, reason, message);
  }

  /** Also says which disk, by its place in the status. */
  static JsonNode assertLost(Resource checkpoint, int disk, String reason, String message) {
    JsonNode status = checkpoint.probe();
    assertDisk(status, disk, "Lost", reason, message);
    for (String type : new String[] {"Ready", "Valid"}) {
      assertThat(condition(status, type)).isEqualTo("False DisksLost");
    }
    assertThat(condition(status, "Stalled")).isEqualTo("True DisksLost");
    assertTold(checkpoint, WARNING, "DisksLost", told(status, disk, reason), message);
    return status;
  }

  static JsonNode assertUnknown(Resource checkpoint, String reason, String message) {
    return assertUnknown(checkpoint, 0, reason, message);
  }

  static JsonNode assertUnknown(Resource checkpoint, int disk, String reason, String message) {
    JsonNode status = assertStillUnknown(checkpoint, disk, reason, message);
    assertTold(checkpoint, WARNING, "DisksUnknown", told(status, disk, reason), message);
    return status;
  }

  static JsonNode assertStillUnknown(Resource checkpoint, String reason, String message) {
    return assertStillUnknown(checkpoint, 0, reason, message);
  }

  /** Where it may have been Unknown for another reason before: only the first one is told. */
  static JsonNode assertStillUnknown(Resource checkpoint, int disk, String reason, String message) {
    JsonNode status = checkpoint.probe();
    assertDisk(status, disk, "Unknown", reason, message);
    assertThat(condition(status, "Ready")).isEqualTo("True Established");
    assertThat(condition(status, "Valid")).isEqualTo("Unknown DisksUnknown");
    assertTold(checkpoint, WARNING, "DisksUnknown", "disk ");
    return status;
  }

  private static String told(JsonNode status, int disk, String reason) {
    return "disk %s: %s: ".formatted(disk(status, disk).path("name").asText(), reason);
  }

  static JsonNode assertRecording(Resource checkpoint, long dirtyBytes) {
    JsonNode disk = assertRecording(checkpoint);
    assertThat(disk.path("dirtyBytes").asLong()).isEqualTo(dirtyBytes);
    return disk;
  }

  static JsonNode assertRecording(Resource checkpoint) {
    JsonNode status = checkpoint.probe();
    for (int disk = 0; disk < status.path("disks").size(); disk++) {
      assertRecordingOn(status, disk);
    }
    assertThat(condition(status, "Ready")).isEqualTo("True Established");
    assertThat(condition(status, "Valid")).isEqualTo("True Recording");
    assertThat(checkpoint.told(WARNING, "DisksLost")).isEmpty();
    return disk(status);
  }

  /** Recording again after it was Unknown, which is told as well. */
  static JsonNode assertRecordingAgain(Resource checkpoint, long dirtyBytes) {
    JsonNode disk = assertRecording(checkpoint, dirtyBytes);
    assertTold(checkpoint, NORMAL, "Recording", "the bitmap of every disk is recording");
    return disk;
  }

  static void assertRecordingOn(JsonNode status, int disk) {
    assertDisk(status, disk, "Recording", "Recording", "");
    assertThat(disk(status, disk).has("message")).isFalse();
  }

  private static void assertDisk(
      JsonNode status, int number, String state, String reason, String message) {
    JsonNode disk = disk(status, number);
    assertThat(disk.path("state").asText()).as(status::toString).isEqualTo(state);
    assertThat(disk.path("reason").asText()).as(status::toString).isEqualTo(reason);
    assertThat(disk.path("message").asText()).contains(message);
  }

  private static void assertTold(
      Resource checkpoint, String type, String reason, CharSequence... words) {
    Awaiting.of("an event with reason " + reason)
        .untilAsserted(
            () ->
                assertThat(checkpoint.told(type, reason))
                    .anySatisfy(note -> assertThat(note).contains(words)));
  }

  /** Name of the bitmap of the first disk. */
  static String bitmap(Resource checkpoint) {
    return disk(checkpoint.status()).path("bitmap").asText();
  }

  static JsonNode disk(JsonNode status) {
    return disk(status, 0);
  }

  static JsonNode disk(JsonNode status, int number) {
    return status.path("disks").path(number);
  }

  /** Status and reason of a condition; empty where there is none of that type. */
  static String condition(JsonNode status, String type) {
    for (JsonNode condition : status.path("conditions")) {
      if (condition.path("type").asText().equals(type)) {
        return condition.path("status").asText() + " " + condition.path("reason").asText();
      }
    }
    return "";
  }
}
