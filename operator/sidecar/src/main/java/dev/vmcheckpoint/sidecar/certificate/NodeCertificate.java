package dev.vmcheckpoint.sidecar.certificate;

import dev.vmcheckpoint.node.NodeTls;
import dev.vmcheckpoint.node.Pem;
import dev.vmcheckpoint.node.TlsException;
import dev.vmcheckpoint.node.TlsMaterial;
import dev.vmcheckpoint.node.TlsMaterial.Identity;
import dev.vmcheckpoint.node.TlsSource;
import java.io.IOException;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The certificate of this node's sidecar. It is asked for at the API server, with a key of its own,
 * and again when two thirds of its life have passed; until then, and where that fails, the earlier
 * one stays. Safe for use by several threads.
 */
public final class NodeCertificate implements TlsSource, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(NodeCertificate.class);

  /** As long as asked for; the operator may shorten it. */
  private static final Duration LIFE = Duration.ofDays(1);

  private static final TlsMaterial NOTHING = new TlsMaterial(List.of(), List.of());

  private final String node;
  private final CertificateApi api;
  private final Pace pace;
  private final Clock clock;
  private final Thread thread;
  private volatile TlsMaterial material = NOTHING;
  private Instant renewAt = Instant.MIN;
  private int refusals;

  /**
   * How long to wait.
   *
   * @param look between two looks at a request that nobody has decided yet
   * @param patience for the decision; after it a new request is made
   * @param retry after a failure
   * @param authorities between two looks at the authorities, and at whether it is time to renew
   * @param refused before another request after the first one that was refused; twice as long after
   *     each further one
   * @param longestRefused the most of that
   */
  record Pace(
      Duration look,
      Duration patience,
      Duration retry,
      Duration authorities,
      Duration refused,
      Duration longestRefused) {
    private static final int MOST_DOUBLINGS = 20;

    static final Pace DEFAULT =
        new Pace(
            Duration.ofSeconds(1),
            Duration.ofMinutes(5),
            Duration.ofSeconds(5),
            Duration.ofMinutes(1),
            Duration.ofSeconds(5),
            Duration.ofMinutes(10));

    /** After so many refusals in a row. */
    private Duration afterRefusals(int refusals) {
      Duration doubled = refused.multipliedBy(1L << Math.min(refusals - 1, MOST_DOUBLINGS));
      return doubled.compareTo(longestRefused) < 0 ? doubled : longestRefused;
    }
  }

  /** Another request like this one would come to nothing either; the message says why. */
  private static final class RefusedException extends Exception {
    private static final long serialVersionUID = 1L;

    RefusedException(String message) {
      super(message);
    }
  }

  private NodeCertificate(String node, CertificateApi api, Pace pace, Clock clock) {
    this.node = node;
    this.api = api;
    this.pace = pace;
    this.clock = clock;
    thread = Thread.ofVirtual().name("certificate").unstarted(this::run);
  }

  /**
   * Begins to ask for the certificate of the sidecar on a node.
   *
   * @param clock by which it is time to renew
   */
  public static NodeCertificate start(String node, CertificateApi api, Clock clock) {
    return start(node, api, Pace.DEFAULT, clock);
  }

  static NodeCertificate start(String node, CertificateApi api, Pace pace, Clock clock) {
    NodeCertificate started = new NodeCertificate(node, api, pace, clock);
    started.thread.start();
    return started;
  }

  @Override
  public TlsMaterial current() {
    return material;
  }

  /** Whether there is a certificate to show that has not expired, and an authority to believe. */
  public boolean isReady() {
    TlsMaterial now = material;
    return !now.authorities().isEmpty()
        && now.identities().stream()
            .anyMatch(
                identity -> clock.instant().isBefore(identity.own().getNotAfter().toInstant()));
  }

  private void run() {
    try {
      while (true) {
        Thread.sleep(round());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** How long it is until the next one. */
  private Duration round() throws InterruptedException {
    try {
      readAuthorities();
      if (!clock.instant().isBefore(renewAt)) {
        renew();
      }
      return isReady() ? pace.authorities() : untilNextTry();
    } catch (IOException | TlsException e) {
      LOG.warn("no new certificate for the sidecar of node {}: {}", node, e.getMessage());
      return pace.retry();
    }
  }

  /** While a request would be too early, the authorities are looked at as seldom as ever. */
  private Duration untilNextTry() {
    Instant now = clock.instant();
    Instant soon = now.plus(pace.retry());
    Instant late = now.plus(pace.authorities());
    if (refusals == 0 || renewAt.isBefore(soon)) {
      return pace.retry();
    }
    return renewAt.isBefore(late) ? Duration.between(now, renewAt) : pace.authorities();
  }

  private void readAuthorities() throws IOException, InterruptedException, TlsException {
    Optional<String> pem = api.authorities();
    if (pem.isEmpty()) {
      LOG.info("the operator has not published its authorities yet");
      return;
    }
    List<X509Certificate> authorities = Pem.certificates("the authorities", pem.get());
    if (!authorities.equals(material.authorities())) {
      LOG.info("{} authorities are believed", authorities.size());
      material = new TlsMaterial(material.identities(), authorities);
    }
  }

  /** A signer that refuses is asked ever more seldom, so that many nodes are no storm. */
  private void renew() throws IOException, InterruptedException {
    try {
      request();
      refusals = 0;
    } catch (RefusedException | TlsException e) {
      refusals++;
      Duration wait = pace.afterRefusals(refusals);
      renewAt = clock.instant().plus(wait);
      LOG.warn(
          "no new certificate for the sidecar of node {}: {}; asks again in {} s",
          node,
          e.getMessage(),
          wait.toSeconds());
    }
  }

  private void request() throws IOException, InterruptedException, RefusedException, TlsException {
    KeyRequest request = KeyRequest.of(node);
    String name = api.request(request.pem(), LIFE);
    LOG.info("asked for a certificate as {}", name);
    List<X509Certificate> chain = Pem.certificates(name, whenSigned(name));
    requireOwnName(name, chain.getFirst());
    Identity identity = identity(name, chain, request);
    Instant end = identity.own().getNotAfter().toInstant();
    Instant now = clock.instant();
    if (!end.isAfter(now)) {
      throw new TlsException("%s: the certificate expired at %s".formatted(name, end));
    }
    renewAt = now.plus(Duration.between(now, end).multipliedBy(2).dividedBy(3));
    material = new TlsMaterial(List.of(identity), material.authorities());
    LOG.info("has a certificate until {}, and renews it at {}", end, renewAt);
  }

  private String whenSigned(String name)
      throws IOException, InterruptedException, RefusedException {
    Instant end = clock.instant().plus(pace.patience());
    while (clock.instant().isBefore(end)) {
      switch (api.state(name)) {
        case SigningState.Signed(var pem) -> {
          return pem;
        }
        case SigningState.Refused(var why) ->
            throw new RefusedException("%s is %s".formatted(name, why));
        case SigningState.Gone _ -> throw new IOException("%s is gone".formatted(name));
        case SigningState.Pending _ -> Thread.sleep(pace.look());
      }
    }
    throw new IOException(
        "nobody has decided on %s within %d s: is the operator running?"
            .formatted(name, pace.patience().toSeconds()));
  }

  private void requireOwnName(String request, X509Certificate certificate) throws TlsException {
    try {
      List<String> names = NodeTls.dnsNames(certificate);
      if (!names.equals(List.of(NodeTls.sidecarName(node)))) {
        throw new TlsException("%s: the certificate is for %s".formatted(request, names));
      }
    } catch (CertificateParsingException e) {
      throw new TlsException("%s: the certificate's names cannot be read".formatted(request), e);
    }
  }

  private static Identity identity(
      String request, List<X509Certificate> chain, KeyRequest keyRequest) throws TlsException {
    try {
      return new Identity(chain, keyRequest.key());
    } catch (IllegalArgumentException e) {
      throw new TlsException("%s: %s".formatted(request, e.getMessage()), e);
    }
  }

  @Override
  public void close() {
    thread.interrupt();
  }
}
