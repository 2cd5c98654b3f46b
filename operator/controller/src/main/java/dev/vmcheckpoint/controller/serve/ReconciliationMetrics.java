package dev.vmcheckpoint.controller.serve;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.javaoperatorsdk.operator.api.monitoring.Metrics;
import io.javaoperatorsdk.operator.api.reconciler.RetryInfo;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Measures how long reconciliations take, and how they end, and logs those that failed. The
 * framework's own warnings are off: it takes a resource that was just deleted for a failure, too.
 * It is also where the framework tells whose reconciliation it hands to its executor next.
 */
public final class ReconciliationMetrics implements Metrics {
  private static final Logger LOG = LoggerFactory.getLogger(ReconciliationMetrics.class);
  private static final int HTTP_UNPROCESSABLE = 422;

  private final MeterRegistry meters;
  private final Consumer<String> handedOver;

  /**
   * Measures.
   *
   * @param handedOver told of the namespace of each reconciliation right before it is handed over,
   *     by the same thread
   */
  public ReconciliationMetrics(MeterRegistry meters, Consumer<String> handedOver) {
    this.meters = meters;
    this.handedOver = handedOver;
  }

  @Override
  public void reconcileCustomResource(
      HasMetadata resource, @Nullable RetryInfo retryInfo, Map<String, Object> metadata) {
    handedOver.accept(resource.getMetadata().getNamespace());
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
    String namespace = resource.getMetadata().getNamespace();
    String name = resource.getMetadata().getName();
    if (isOfDeleted(exception)) {
      LOG.debug("{}/{} was deleted before its finalizer came", namespace, name);
    } else {
      LOG.warn("Reconciling {}/{} failed; it will be tried again", namespace, name, exception);
    }
    meters.counter("vmcheckpoint.reconciliations.retried").increment();
  }

  /**
   * Whether the finalizer was applied to a resource that was there no longer: the API server then
   * takes it for a new one, and misses the spec.
   */
  private static boolean isOfDeleted(Exception exception) {
    return exception instanceof KubernetesClientException refused
        && refused.getCode() == HTTP_UNPROCESSABLE
        && Optional.ofNullable(refused.getStatus().getDetails()).stream()
            .flatMap(details -> details.getCauses().stream())
            .anyMatch(
                cause ->
                    "spec".equals(cause.getField())
                        && "FieldValueRequired".equals(cause.getReason()));
  }
}
