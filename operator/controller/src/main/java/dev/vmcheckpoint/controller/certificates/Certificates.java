package dev.vmcheckpoint.controller.certificates;

import dev.vmcheckpoint.controller.lead.Leadership;
import dev.vmcheckpoint.node.TlsSource;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.certificates.v1.CertificateSigningRequest;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.net.HttpURLConnection;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the operator's certificates up to date in every replica; the leader also keeps the
 * authority and signs for the sidecars. Everything happens on one thread; the methods are safe for
 * use by several.
 */
public final class Certificates implements AutoCloseable {
  /** How long an authority is good that the operator makes. */
  public static final Duration AUTHORITY_LIFE = Duration.ofDays(365);

  private static final Logger LOG = LoggerFactory.getLogger(Certificates.class);
  private static final Duration TICK = Duration.ofSeconds(1);
  private static final Duration LOOK_EVERY = Duration.ofSeconds(10);

  private final Leadership leadership;
  private final AuthorityStore store;
  private final BelievedAuthorities believed;
  private final OperatorCertificates own = new OperatorCertificates();
  private final SigningRequests requests;
  private final MeterRegistry meters;
  private final Clock clock;
  private final ScheduledExecutorService thread =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().name("certificates").daemon().factory());

  private volatile Optional<Authority> authority = Optional.empty();

  /** The last one that this process has put on record: who signs. */
  private volatile Optional<Authority> onRecord = Optional.empty();

  private List<X509Certificate> record = List.of();
  private volatile Optional<SharedIndexInformer<CertificateSigningRequest>> informer =
      Optional.empty();
  private String lastFailure = "";
  private boolean wasLeading;
  private Instant nextLook = Instant.EPOCH;

  /**
   * Where everything is.
   *
   * @param operator the operator's own namespace, which holds the authority
   * @param sidecars the sidecars' namespace, which holds what they believe
   */
  public record Namespaces(String operator, String sidecars) {}

  /**
   * Does nothing yet.
   *
   * @param authorityLife how long an authority is good that the operator makes
   * @param refused told once of an authority's Secret that cannot be used, and why, if leading
   */
  public Certificates(
      KubernetesClient client,
      Namespaces namespaces,
      Leadership leadership,
      Duration authorityLife,
      BiConsumer<HasMetadata, String> refused,
      MeterRegistry meters,
      Clock clock) {
    this.leadership = leadership;
    this.meters = meters;
    this.clock = clock;
    store =
        new AuthorityStore(
            client,
            namespaces.operator(),
            authorityLife,
            (secret, why) -> {
              if (leadership.isLeading()) {
                refused.accept(secret, why);
              }
            });
    believed = new BelievedAuthorities(client, namespaces.sidecars());
    requests = new SigningRequests(client, namespaces.sidecars(), leadership, clock, meters);
  }

  /** What the operator shows to sidecars, and whom it believes. Nothing and nobody at first. */
  public TlsSource source() {
    return own;
  }

  /** Starts to look, every ten seconds, and at once when this process leads from now on. */
  public void start() {
    Gauge.builder("vmcheckpoint.authority.expiry", this, Certificates::expirySeconds)
        .description("When the authority of the sidecars' certificates expires, as Unix time")
        .baseUnit("seconds")
        .register(meters);
    ScheduledFuture<?> _ =
        thread.scheduleWithFixedDelay(this::tick, 0, TICK.toMillis(), TimeUnit.MILLISECONDS);
  }

  private void tick() {
    boolean isLeading = leadership.isLeading();
    Instant now = clock.instant();
    // The clock may have been put back.
    boolean isTime = !now.isBefore(nextLook) || now.isBefore(nextLook.minus(LOOK_EVERY));
    if (!isTime && isLeading == wasLeading) {
      return;
    }
    nextLook = now.plus(LOOK_EVERY);
    wasLeading = isLeading;
    try {
      look(isLeading, now);
      lastFailure = "";
    } catch (RuntimeException e) {
      if (isConflict(e)) {
        nextLook = now;
      } else {
        warn(e);
      }
    }
  }

  /** Once, however often it is tried again meanwhile. */
  private void warn(RuntimeException e) {
    if (!e.toString().equals(lastFailure)) {
      LOG.warn("Looking after certificates failed; it will be tried again", e);
    }
    lastFailure = e.toString();
  }

  /** Another replica was quicker: what it wrote is there to be read. */
  private static boolean isConflict(RuntimeException e) {
    return e instanceof KubernetesClientException refused
        && refused.getCode() == HttpURLConnection.HTTP_CONFLICT;
  }

  private void look(boolean isLeading, Instant now) {
    authority = isLeading ? store.readOrMake(now) : store.read(now);
    if (authority.isEmpty()) {
      onRecord = Optional.empty();
      return;
    }
    Authority present = authority.get();
    if (isLeading) {
      lead(present, now);
    } else {
      own.take(present, believed.read(now), now);
    }
  }

  /**
   * One that is not on record signs nothing, for nobody would believe it; as long as it cannot be
   * put there, the one before it goes on.
   */
  private void lead(Authority present, Instant now) {
    Optional<RuntimeException> failure = Optional.empty();
    try {
      record = believed.publish(present.certificate(), now);
      onRecord = Optional.of(present);
    } catch (RuntimeException e) {
      failure = Optional.of(e);
    }
    onRecord.filter(signing -> signing.isGood(now)).ifPresent(signing -> sign(signing, now));
    failure.ifPresent(
        e -> {
          throw e;
        });
  }

  private void sign(Authority signing, Instant now) {
    own.take(signing, record, now);
    watch();
    requests.handleAll(signing);
  }

  private void watch() {
    if (informer.isEmpty()) {
      informer = Optional.of(requests.watch(this::isSeen));
    }
  }

  private void isSeen(CertificateSigningRequest request) {
    try {
      thread.execute(() -> handle(request));
    } catch (RejectedExecutionException e) {
      LOG.debug("A request came while closing: {}", request.getMetadata().getName());
    }
  }

  private void handle(CertificateSigningRequest request) {
    try {
      onRecord
          .filter(signing -> signing.isGood(clock.instant()))
          .ifPresent(signing -> requests.handle(request, signing));
    } catch (RuntimeException e) {
      LOG.warn(
          "Handling the certificate signing request {} failed", request.getMetadata().getName(), e);
    }
  }

  private double expirySeconds() {
    return authority
        .map(present -> (double) present.certificate().getNotAfter().toInstant().getEpochSecond())
        .orElse(Double.NaN);
  }

  @Override
  public void close() {
    thread.shutdownNow();
    informer.ifPresent(SharedIndexInformer::close);
  }
}
