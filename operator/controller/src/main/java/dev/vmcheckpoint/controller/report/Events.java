package dev.vmcheckpoint.controller.report;

import dev.vmcheckpoint.api.WellKnown;
import dev.vmcheckpoint.controller.decide.Announcement;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.MicroTime;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.ObjectReferenceBuilder;
import io.fabric8.kubernetes.api.model.events.v1.Event;
import io.fabric8.kubernetes.api.model.events.v1.EventBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells by events ({@code events.k8s.io/v1}). One that cannot be written holds nothing up. */
public final class Events {
  private static final Logger LOG = LoggerFactory.getLogger(Events.class);
  private static final int MAX_NOTE_BYTES = 1024;
  private static final DateTimeFormatter MICRO_TIME =
      DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'").withZone(ZoneOffset.UTC);

  private final KubernetesClient client;
  private final String instance;
  private final Clock clock;

  /**
   * Events of one process.
   *
   * @param instance the name of its pod
   */
  public Events(KubernetesClient client, String instance, Clock clock) {
    this.client = client;
    this.instance = instance;
    this.clock = clock;
  }

  /** Tells about a resource. */
  public void tell(HasMetadata about, Announcement announcement) {
    ObjectMeta metadata = about.getMetadata();
    Instant now = clock.instant();
    Event event =
        new EventBuilder()
            .withNewMetadata()
            .withNamespace(metadata.getNamespace())
            .withGenerateName(metadata.getName() + "-")
            .endMetadata()
            .withEventTime(new MicroTime(MICRO_TIME.format(now)))
            .withReportingController(WellKnown.GROUP + "/operator")
            .withReportingInstance(instance)
            .withAction("Reconcile")
            .withReason(announcement.reason().name())
            .withType(announcement.isWarning() ? "Warning" : "Normal")
            .withNote(note(announcement.message()))
            .withRegarding(
                new ObjectReferenceBuilder()
                    .withApiVersion(about.getApiVersion())
                    .withKind(about.getKind())
                    .withNamespace(metadata.getNamespace())
                    .withName(metadata.getName())
                    .withUid(metadata.getUid())
                    .withResourceVersion(metadata.getResourceVersion())
                    .build())
            .build();
    try {
      client.resource(event).create();
    } catch (KubernetesClientException e) {
      LOG.warn(
          "The event {} about {}/{} was not written: {}",
          announcement.reason(),
          metadata.getNamespace(),
          metadata.getName(),
          e.getMessage());
    }
  }

  /** The API server counts bytes. */
  private static String note(String message) {
    String note = message;
    while (note.getBytes(StandardCharsets.UTF_8).length > MAX_NOTE_BYTES) {
      note = note.substring(0, note.length() - 1);
    }
    return note;
  }
}
