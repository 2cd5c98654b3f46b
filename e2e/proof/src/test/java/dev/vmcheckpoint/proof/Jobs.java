package dev.vmcheckpoint.proof;

import com.fasterxml.jackson.databind.JsonNode;
import dev.vmcheckpoint.proof.fixture.Awaiting;
import dev.vmcheckpoint.proof.fixture.Monitor;

/** QEMU's jobs. */
final class Jobs {
  private Jobs() {}

  /** Waits until a job that was started without {@code auto-dismiss} has ended well. */
  static void awaitEnd(Monitor monitor, String id) {
    awaitConcluded(monitor, id);
    dismiss(monitor, id);
  }

  /** Waits until a job that was started without {@code auto-dismiss} has ended. */
  static void awaitConcluded(Monitor monitor, String id) {
    Awaiting.of("the end of job " + id).until(() -> status(monitor, id).equals("concluded"));
  }

  /** Dismisses a job that has ended well. */
  static void dismiss(Monitor monitor, String id) {
    JsonNode error = job(monitor, id).path("error");
    monitor.run("job-dismiss", "id", id);
    if (!error.isMissingNode()) {
      throw new AssertionError("job %s failed: %s".formatted(id, error));
    }
  }

  /** Lets a job that mirrors or commits go over to its target, and waits for its end. */
  static void complete(Monitor monitor, String id) {
    Awaiting.of("job %s being ready".formatted(id))
        .until(() -> status(monitor, id).equals("ready"));
    monitor.run("job-complete", "id", id);
    awaitEnd(monitor, id);
  }

  /** Ends a job that was started without {@code auto-finalize}. */
  static void finish(Monitor monitor, String id) {
    Awaiting.of("job %s being done".formatted(id))
        .until(() -> status(monitor, id).equals("pending"));
    monitor.run("job-finalize", "id", id);
    awaitEnd(monitor, id);
  }

  private static String status(Monitor monitor, String id) {
    return job(monitor, id).path("status").asText();
  }

  private static JsonNode job(Monitor monitor, String id) {
    for (JsonNode job : monitor.run("query-jobs")) {
      if (job.path("id").asText().equals(id)) {
        return job;
      }
    }
    throw new AssertionError("QEMU has no job " + id);
  }
}
