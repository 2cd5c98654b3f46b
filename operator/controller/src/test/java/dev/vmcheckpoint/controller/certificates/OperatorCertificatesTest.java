package dev.vmcheckpoint.controller.certificates;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.node.TlsMaterial;
import dev.vmcheckpoint.node.TlsMaterial.Identity;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import javax.security.auth.x500.X500Principal;
import org.junit.jupiter.api.Test;

/** Which certificates the operator shows, and whom it believes, as time goes by. */
final class OperatorCertificatesTest {
  private static final Duration YEAR = Duration.ofDays(365);

  private final Instant begin = Instant.now().truncatedTo(ChronoUnit.SECONDS);
  private final Authority first = Authority.create(begin, YEAR);
  private final Authority second = Authority.create(begin, YEAR);
  private final OperatorCertificates certificates = new OperatorCertificates();

  private Instant at(int hours) {
    return begin.plus(Duration.ofHours(hours));
  }

  private void take(Authority authority, Instant now) {
    certificates.take(authority, List.of(), now);
  }

  private List<X509Certificate> shown() {
    return certificates.current().identities().stream().map(Identity::own).toList();
  }

  private List<X500Principal> issuers() {
    return shown().stream().map(X509Certificate::getIssuerX500Principal).toList();
  }

  private static X500Principal name(Authority authority) {
    return authority.certificate().getSubjectX500Principal();
  }

  @Test
  void atFirstThereIsNothing() {
    assertThat(certificates.current()).isEqualTo(new TlsMaterial(List.of(), List.of()));
  }

  @Test
  void nothingChangesWithoutNeed() {
    take(first, at(0));
    TlsMaterial before = certificates.current();

    take(first, at(15));

    assertThat(certificates.current()).isSameAs(before);
  }

  @Test
  void aCertificateIsReplacedAtTwoThirdsOfItsLife() {
    take(first, at(0));
    List<X509Certificate> before = shown();

    take(first, at(16));

    assertThat(shown()).hasSize(1).doesNotContainAnyElementsOf(before);
  }

  @Test
  void afterARotationTheEarlierOneIsShownFirstUntilSidecarsHaveHeardOfTheNewOne() {
    take(first, at(0));
    take(second, at(1));
    assertThat(issuers()).isEqualTo(List.of(name(first), name(second)));

    take(second, at(1).plus(OperatorCertificates.SETTLED_AFTER));

    assertThat(issuers()).isEqualTo(List.of(name(second), name(first)));
  }

  @Test
  void soItIsWhenTheEarlierOneIsNewAsWell() {
    take(first, at(0));
    take(second, at(0).plusSeconds(10));

    assertThat(issuers()).isEqualTo(List.of(name(first), name(second)));
  }

  @Test
  void anEarlierOneIsShownUntilItExpires() {
    take(first, at(0));
    take(second, at(1));

    take(second, at(23));
    assertThat(issuers()).contains(name(first));

    take(second, at(24));
    assertThat(issuers()).isEqualTo(List.of(name(second)));
  }

  @Test
  void believedAreThePresentAuthorityAndThoseOnRecord() {
    certificates.take(first, List.of(second.certificate(), first.certificate()), at(0));

    assertThat(certificates.current().authorities())
        .containsExactly(first.certificate(), second.certificate());
  }
}
