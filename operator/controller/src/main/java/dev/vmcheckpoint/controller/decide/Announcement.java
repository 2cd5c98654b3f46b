package dev.vmcheckpoint.controller.decide;

import static java.util.stream.Collectors.joining;

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

  /** That the record of a leftover was dropped for newer ones. */
  public static Announcement forgotten(Leftover leftover) {
    return warning(
        Reason.LeftoverForgotten,
        Texts.bounded(
            "the bitmaps of checkpoint %s stay in the images of virtual machine %s/%s: %s"
                .formatted(
                    leftover.checkpoint(),
                    leftover.namespace(),
                    leftover.machine(),
                    leftover.bitmaps().stream()
                        .map(Leftover.Bitmap::file)
                        .distinct()
                        .collect(joining(", ")))));
  }

  /** That what is to be the sidecars' certificate authority is none. */
  public static Announcement authorityUnusable(String message) {
    return warning(Reason.AuthorityUnusable, Texts.bounded(message));
  }

  static Announcement warning(Reason reason, String message) {
    return new Announcement(reason, true, message);
  }
}
