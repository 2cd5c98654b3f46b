package dev.vmcheckpoint.sidecar;

import dev.vmcheckpoint.qmp.Timeouts;
import dev.vmcheckpoint.sidecar.http.Admission;
import dev.vmcheckpoint.sidecar.http.ApiServer;
import dev.vmcheckpoint.sidecar.http.ProbeServer;
import dev.vmcheckpoint.sidecar.machine.Machines;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import javax.net.ssl.SSLContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The composition root: a running sidecar. */
public final class Sidecar implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Sidecar.class);

  private final Admission admission;
  private final ApiServer api;
  private final ProbeServer probes;
  private final Duration lastCalls;

  /**
   * What a sidecar is told.
   *
   * @param podsDirectory where the kubelet keeps the directories of its pods
   * @param port TCP port of the calls; 0 for any that is free
   * @param probePort TCP port of probes and metrics; 0 for any that is free
   * @param maxCalls the most calls in progress
   * @param lookTime how long the look at one machine may take
   * @param lastCalls how long calls in progress may go on once the sidecar stops
   * @param timeouts how long to wait for QEMU
   */
  public record Settings(
      Path podsDirectory,
      int port,
      int probePort,
      int maxCalls,
      Duration lookTime,
      Duration lastCalls,
      Timeouts timeouts) {}

  private Sidecar(Admission admission, ApiServer api, ProbeServer probes, Duration lastCalls) {
    this.admission = admission;
    this.api = api;
    this.probes = probes;
    this.lastCalls = lastCalls;
  }

  /**
   * Listens; when this returns, calls are taken, once there is a certificate to show.
   *
   * @param hasCertificate whether there is one; as long as there is none it is not ready
   * @throws IOException a port cannot be bound; nothing is left running
   */
  public static Sidecar start(Settings settings, SSLContext tls, BooleanSupplier hasCertificate)
      throws IOException {
    PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    new JvmMemoryMetrics().bindTo(registry);
    Admission admission = new Admission(settings.maxCalls());
    Machines machines =
        new Machines(
            settings.podsDirectory(),
            UUID.randomUUID().toString(),
            settings.lookTime(),
            settings.timeouts());
    ApiServer api = ApiServer.start(settings.port(), tls, machines, admission, registry);
    try {
      ProbeServer probes =
          ProbeServer.start(
              settings.probePort(),
              () -> admission.isOpen() && hasCertificate.getAsBoolean(),
              registry::scrape);
      LOG.atInfo()
          .addKeyValue("port", api.port())
          .addKeyValue("probePort", probes.port())
          .addKeyValue("podsDirectory", settings.podsDirectory())
          .log("sidecar is listening");
      return new Sidecar(admission, api, probes, settings.lastCalls());
    } catch (IOException e) {
      api.close();
      throw e;
    }
  }

  /** The TCP port of the calls. */
  public int port() {
    return api.port();
  }

  /** The TCP port of probes and metrics. */
  public int probePort() {
    return probes.port();
  }

  /** Lets no call begin any more, waits for those in progress, within bounds, and stops. */
  @Override
  public void close() {
    LOG.info("sidecar is stopping");
    boolean ended = admission.stop(lastCalls);
    api.close();
    probes.close();
    if (ended) {
      LOG.info("sidecar has stopped");
    } else {
      LOG.warn("sidecar has stopped before all calls had ended");
    }
  }
}
