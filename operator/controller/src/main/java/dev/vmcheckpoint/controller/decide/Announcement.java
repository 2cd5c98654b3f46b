package dev.vmcheckpoint.controller.decide;

import dev.vmcheckpoint.api.Reason;

/**
 * Something that happened, to be told by an event.
 *
 * @param reason what happened
 * @param isWarning whether somebody should look after it
 * @param message a sentence
 */
public record Announcement(Reason reason, boolean isWarning, String message) {
  static Announcement normal(Reason reason, String message) {
    return new Announcement(reason, false, message);
  }

  static Announcement warning(Reason reason, String message) {
    return new Announcement(reason, true, message);
  }
}
