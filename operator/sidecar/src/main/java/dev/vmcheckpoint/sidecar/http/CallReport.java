package dev.vmcheckpoint.sidecar.http;

import dev.vmcheckpoint.node.PodUid;
import dev.vmcheckpoint.node.PrintableText;
import dev.vmcheckpoint.node.Problem;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.spi.LoggingEventBuilder;

/** What operators see of the calls: metrics of all, a line in the log for each that may change. */
final class CallReport {
  private static final Logger LOG = LoggerFactory.getLogger(CallReport.class);

  /** A request for as many disks as it may have can be longer. */
  private static final int MAX_DISKS = 4096;

  private final MeterRegistry registry;

  CallReport(MeterRegistry registry, Admission admission) {
    this.registry = registry;
    Gauge.builder("vmcheckpoint.sidecar.calls.in.progress", admission, Admission::inProgress)
        .description("Calls of the operator that are in progress.")
        .register(registry);
  }

  /**
   * @param call empty where the request was refused before it was understood
   * @param problem empty where the call succeeded
   */
  void accept(Optional<Call> call, Optional<Problem> problem, Duration duration) {
    String outcome = problem.map(Problem::code).orElse("Ok");
    Timer.builder("vmcheckpoint.sidecar.call.duration")
        .description("Time from the receipt of a request to its outcome.")
        .tag("call", call.map(CallReport::name).orElse("None"))
        .tag("outcome", outcome)
        .register(registry)
        .record(duration);
    switch (call.orElse(null)) {
      case Call.Ensure(var machine, var checkpoint, _, _) ->
          line(machine, outcome, problem, duration)
              .addKeyValue("checkpointUID", checkpoint)
              .log("ensure checkpoint");
      case Call.Remove(var machine, var checkpoint, _) ->
          line(machine, outcome, problem, duration)
              .addKeyValue("checkpointUID", checkpoint)
              .log("remove checkpoint");
      case Call.RemoveBitmap(var machine, var checkpoint, var bitmap, _) ->
          line(machine, outcome, problem, duration)
              .addKeyValue("checkpointUID", checkpoint)
              .addKeyValue("bitmap", bitmap)
              .log("remove bitmap");
      case Call.RenewEpoch(var machine, var request, _) ->
          line(machine, outcome, problem, duration)
              .addKeyValue("disks", PrintableText.of(request.disks().toString(), MAX_DISKS))
              .log("renew epoch");
      case Call.Observe _ -> {}
      case null -> {}
    }
  }

  private static String name(Call call) {
    return switch (call) {
      case Call.Observe _ -> "Observe";
      case Call.Ensure _ -> "Ensure";
      case Call.Remove _ -> "Remove";
      case Call.RemoveBitmap _ -> "RemoveBitmap";
      case Call.RenewEpoch _ -> "RenewEpoch";
    };
  }

  private static LoggingEventBuilder line(
      PodUid machine, String outcome, Optional<Problem> problem, Duration duration) {
    return LOG.atInfo()
        .addKeyValue("podUID", machine)
        .addKeyValue("outcome", outcome)
        .addKeyValue("durationMillis", duration.toMillis())
        .addKeyValue("detail", problem.map(Problem::detail).orElse(""));
  }
}
