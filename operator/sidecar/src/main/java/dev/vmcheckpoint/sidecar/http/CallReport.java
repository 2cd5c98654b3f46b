package dev.vmcheckpoint.sidecar.http;

import dev.vmcheckpoint.node.CheckpointUid;
import dev.vmcheckpoint.node.PodUid;
import dev.vmcheckpoint.node.Problem;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What operators see of the calls: metrics of all, a line in the log for each that may change. */
final class CallReport {
  private static final Logger LOG = LoggerFactory.getLogger(CallReport.class);

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
          log("ensure", machine, checkpoint, outcome, problem, duration);
      case Call.Remove(var machine, var checkpoint, _) ->
          log("remove", machine, checkpoint, outcome, problem, duration);
      case Call.Observe _ -> {}
      case null -> {}
    }
  }

  private static String name(Call call) {
    return switch (call) {
      case Call.Observe _ -> "Observe";
      case Call.Ensure _ -> "Ensure";
      case Call.Remove _ -> "Remove";
    };
  }

  private static void log(
      String call,
      PodUid machine,
      CheckpointUid checkpoint,
      String outcome,
      Optional<Problem> problem,
      Duration duration) {
    LOG.atInfo()
        .addKeyValue("podUID", machine)
        .addKeyValue("checkpointUID", checkpoint)
        .addKeyValue("outcome", outcome)
        .addKeyValue("durationMillis", duration.toMillis())
        .addKeyValue("detail", problem.map(Problem::detail).orElse(""))
        .log("{} checkpoint", call);
  }
}
