package dev.vmcheckpoint.controller.certificates;

import dev.vmcheckpoint.node.TlsMaterial;
import dev.vmcheckpoint.node.TlsMaterial.Identity;
import dev.vmcheckpoint.node.TlsSource;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.SequencedSet;
import java.util.stream.Stream;

/**
 * What the operator shows to sidecars, and whom it believes. Its keys are made in memory and leave
 * it never. {@link #current} never waits, and is safe for use by several threads; without an
 * identity and an authority, as at first, every call to a sidecar fails.
 */
final class OperatorCertificates implements TlsSource {
  /**
   * How long the identity of a new authority stands behind that of an earlier one. Sidecars learn
   * of the new one meanwhile; those that believe only one of the two are shown that one anyway,
   * unless both authorities have one name, as those of other tools do.
   */
  static final Duration SETTLED_AFTER = Duration.ofMinutes(10);

  /** The present authority's first. */
  private List<Held> held = List.of();

  private volatile TlsMaterial material = new TlsMaterial(List.of(), List.of());

  /**
   * An identity.
   *
   * @param authority who has signed it
   * @param since when that authority was first seen
   */
  private record Held(X509Certificate authority, Instant since, Identity identity) {
    boolean isSettled(Instant now) {
      return !now.isBefore(since.plus(SETTLED_AFTER));
    }
  }

  @Override
  public TlsMaterial current() {
    return material;
  }

  /**
   * Takes what is there now; to be called again and again. Identities of earlier authorities stay
   * until they expire, for sidecars that have not heard of the new one.
   *
   * @param believed authorities beside the present one
   */
  synchronized void take(Authority present, List<X509Certificate> believed, Instant now) {
    List<Held> next = new ArrayList<>();
    next.add(of(present, now));
    held.stream()
        .filter(one -> !one.authority().equals(present.certificate()))
        .filter(one -> one.identity().own().getNotAfter().toInstant().isAfter(now))
        .forEach(next::add);
    held = List.copyOf(next);

    SequencedSet<X509Certificate> authorities = new LinkedHashSet<>();
    authorities.add(present.certificate());
    authorities.addAll(believed);
    TlsMaterial taken =
        new TlsMaterial(
            Stream.concat(
                    held.stream().filter(one -> one.isSettled(now)),
                    held.reversed().stream().filter(one -> !one.isSettled(now)))
                .map(Held::identity)
                .toList(),
            List.copyOf(authorities));
    if (!taken.equals(material)) {
      material = taken;
    }
  }

  /** The identity of the present authority: the one that is there, unless it is to be renewed. */
  private Held of(Authority present, Instant now) {
    for (Held one : held) {
      if (one.authority().equals(present.certificate())) {
        return Authority.isDue(one.identity().own(), now)
            ? new Held(one.authority(), one.since(), present.newOperatorIdentity(now))
            : one;
      }
    }
    return new Held(present.certificate(), now, present.newOperatorIdentity(now));
  }
}
