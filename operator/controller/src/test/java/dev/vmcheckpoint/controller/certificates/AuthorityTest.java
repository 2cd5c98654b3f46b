package dev.vmcheckpoint.controller.certificates;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vmcheckpoint.node.NodeTls;
import dev.vmcheckpoint.node.TlsMaterial.Identity;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Base64;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** An authority, what it signs, and how it is read. */
final class AuthorityTest {
  private static final String SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
  private static final String CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";

  private final Instant now = Instant.now().truncatedTo(ChronoUnit.SECONDS);
  private final Authority authority = Authority.create(now, Duration.ofDays(365));
  private final Pkcs10 sidecar = Pkcs10.ofNode("node-1");

  private X509Certificate signed(Duration life) {
    return authority.signSidecar("node-1", sidecar.publicKey(), now, life);
  }

  @Test
  void itSignsNothingButEndsOfAChain() {
    assertThat(authority.certificate().getBasicConstraints()).isZero();
    assertThat(authority.certificate().getKeyUsage())
        .containsExactly(false, false, false, false, false, true, false, false, false);
  }

  @Test
  void noTwoHaveTheSameName() {
    assertThat(Authority.create(now, Duration.ofDays(1)).certificate().getSubjectX500Principal())
        .isNotEqualTo(authority.certificate().getSubjectX500Principal());
  }

  @Test
  void aSidecarsCertificateIsForItsNodeAndRoleAlone() throws Exception {
    X509Certificate certificate = signed(Duration.ofHours(1));

    certificate.verify(authority.certificate().getPublicKey());
    assertThat(certificate.getPublicKey()).isEqualTo(sidecar.publicKey());
    assertThat(NodeTls.dnsNames(certificate)).containsExactly(NodeTls.sidecarName("node-1"));
    assertThat(certificate.getSubjectAlternativeNames()).hasSize(1);
    assertThat(certificate.getExtendedKeyUsage()).containsExactly(SERVER_AUTH);
    assertThat(certificate.getBasicConstraints()).isEqualTo(-1);
  }

  @Test
  void itBeginsAnHourBackForClocksThatAreBehind() {
    assertThat(signed(Duration.ofHours(2)).getNotBefore()).isEqualTo(now.minusSeconds(3600));
    assertThat(signed(Duration.ofHours(2)).getNotAfter()).isEqualTo(now.plusSeconds(7200));
  }

  @Test
  void noCertificateOutlivesItsAuthority() {
    assertThat(signed(Duration.ofDays(400)).getNotAfter())
        .isEqualTo(authority.certificate().getNotAfter());
  }

  @Test
  void serialNumbersAreRandom() {
    assertThat(signed(Duration.ofHours(1)).getSerialNumber())
        .isNotEqualTo(signed(Duration.ofHours(1)).getSerialNumber())
        .isPositive();
  }

  @Test
  void theOperatorsCertificateIsForAClientAlone() throws Exception {
    X509Certificate certificate = authority.newOperatorIdentity(now).own();

    certificate.verify(authority.certificate().getPublicKey());
    assertThat(NodeTls.dnsNames(certificate)).containsExactly(NodeTls.OPERATOR_NAME);
    assertThat(certificate.getExtendedKeyUsage()).containsExactly(CLIENT_AUTH);
    assertThat(certificate.getNotAfter()).isEqualTo(now.plus(Duration.ofHours(24)));
  }

  @Test
  void itIsDueAtTwoThirdsOfItsLife() {
    assertThat(authority.isDue(now.plus(Duration.ofDays(243)))).isFalse();
    assertThat(authority.isDue(now.plus(Duration.ofDays(244)))).isTrue();
  }

  @Test
  void itsTextDoesNotContainItsKey() {
    assertThat(authority.toString())
        .contains("vmcheckpoint-authority")
        .doesNotContain(
            Base64.getEncoder().encodeToString(authority.key().getEncoded()),
            authority.key().toString());
  }

  @Test
  void itIsReadAsItWasWritten() throws Exception {
    assertThat(read(certificate(), key())).isEqualTo(authority);
  }

  @ParameterizedTest
  @ValueSource(strings = {"EC", "RSA"})
  void oneThatAnotherToolMadeIsReadInTheFormOfThatTool(String algorithm) throws Exception {
    ForeignAuthority foreign = ForeignAuthority.of(algorithm, now);

    Authority read = read(foreign.certificatePem(), foreign.traditionalKeyPem());

    read.signSidecar("node-1", sidecar.publicKey(), now, Duration.ofHours(1))
        .verify(foreign.certificate().getPublicKey());
  }

  @Test
  void aCertificateThatIsNoAuthorityIsRefused() {
    Identity leaf = authority.newOperatorIdentity(now);

    assertRefused(
        AuthorityPem.text(leaf.own()),
        AuthorityPem.text(leaf.key()),
        "tls.crt: the certificate is not one of a certificate authority");
  }

  @Test
  void theKeyOfAnotherIsRefused() {
    assertRefused(
        certificate(),
        AuthorityPem.text(Authority.create(now, Duration.ofDays(1)).key()),
        "tls.key: not the key of the certificate in tls.crt");
  }

  @ParameterizedTest
  @CsvSource({
    "'', tls.key: holds no private key",
    "'-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n', tls.key: not a private key"
  })
  void aKeyThatCannotBeReadIsRefused(String key, String words) {
    assertRefused(certificate(), key, words);
  }

  @Test
  void aCertificateThatCannotBeReadIsRefused() {
    assertRefused("nothing", key(), "tls.crt: ");
  }

  @Test
  void anExpiredOneIsRefused() {
    assertThatThrownBy(
            () -> AuthorityPem.read(certificate(), key(), now.plus(Duration.ofDays(366))))
        .isInstanceOf(AuthorityException.class)
        .hasMessageContaining("expired at");
  }

  @Test
  void oneOfTheFutureIsRefused() {
    assertThatThrownBy(
            () -> AuthorityPem.read(certificate(), key(), now.minus(Duration.ofHours(2))))
        .isInstanceOf(AuthorityException.class)
        .hasMessageContaining("not valid before");
  }

  private String certificate() {
    return AuthorityPem.text(authority.certificate());
  }

  private String key() {
    return AuthorityPem.text(authority.key());
  }

  private Authority read(String certificate, String key) throws AuthorityException {
    return AuthorityPem.read(certificate, key, now);
  }

  private void assertRefused(String certificate, String key, String words) {
    assertThatThrownBy(() -> read(certificate, key))
        .isInstanceOf(AuthorityException.class)
        .hasMessageContaining(words);
  }
}
