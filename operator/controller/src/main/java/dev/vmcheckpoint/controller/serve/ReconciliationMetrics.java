package dev.vmcheckpoint.controller.serve;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.javaoperatorsdk.operator.api.monitoring.Metrics;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.util.Map;

/** Measures how long reconciliations take, and how they end. */
public final class ReconciliationMetrics implements Metrics {
  private final MeterRegistry meters;

  public ReconciliationMetrics(MeterRegistry meters) {
    this.meters = meters;
  }

  @Override
  public <T> T timeControllerExecution(ControllerExecution<T> execution) throws Exception {
    Timer.Sample sample = Timer.start(meters);
    String outcome = "Failed";
    try {
      T result = execution.execute();
      outcome = "OK";
      return result;
    } finally {
      sample.stop(
          meters.timer(
              "vmcheckpoint.reconciliations", "kind", execution.name(), "outcome", outcome));
    }
  }

  @Override
  public void failedReconciliation(
      HasMetadata resource, Exception exception, Map<String, Object> metadata) {
    meters.counter("vmcheckpoint.reconciliations.retried").increment();
  }
}
