package dev.vmcheckpoint.controller.certificates;

import dev.vmcheckpoint.node.NodeTls;
import dev.vmcheckpoint.node.TlsMaterial.Identity;
import java.io.IOException;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.HexFormat;
import java.util.List;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x500.X500NameBuilder;
import org.bouncycastle.asn1.x500.style.BCStyle;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/**
 * A certificate authority (RFC 5280). Signs for exactly two roles: sidecars as servers, the
 * operator as a client.
 *
 * @param certificate its own, which is a CA's
 * @param key EC or RSA, of that certificate
 */
record Authority(X509Certificate certificate, PrivateKey key) {
  /** How far back a certificate begins, for clocks that are behind. */
  static final Duration BACKDATED = Duration.ofHours(1);

  /** How long a certificate of the operator is good. */
  static final Duration OPERATOR_LIFE = Duration.ofHours(24);

  private static final int SERIAL_BITS = 128;

  /** What one certificate says, and who signs it. */
  private record Form(
      X500Name issuer, X500Name subject, PublicKey key, Instant notBefore, Instant notAfter) {
    X509v3CertificateBuilder builder() {
      return new JcaX509v3CertificateBuilder(
          issuer,
          new BigInteger(SERIAL_BITS, new SecureRandom()),
          Date.from(notBefore),
          Date.from(notAfter),
          subject,
          key);
    }
  }

  /** A new one that signs itself. No two have the same name, so that a peer can tell them apart. */
  static Authority create(Instant now, Duration life) {
    KeyPair keys = newKeys();
    byte[] random = new byte[4];
    new SecureRandom().nextBytes(random);
    X500Name name = name("vmcheckpoint-authority " + HexFormat.of().formatHex(random));
    Form form = new Form(name, name, keys.getPublic(), now.minus(BACKDATED), now.plus(life));
    try {
      X509v3CertificateBuilder builder =
          form.builder()
              .addExtension(Extension.basicConstraints, true, new BasicConstraints(0))
              .addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.keyCertSign));
      return new Authority(signed(builder, keys.getPrivate()), keys.getPrivate());
    } catch (IOException | GeneralSecurityException | OperatorCreationException e) {
      throw new IllegalStateException("while making a certificate authority", e);
    }
  }

  /**
   * The certificate of the sidecar of a node.
   *
   * @param life at most this; no certificate outlives its authority
   */
  X509Certificate signSidecar(String node, PublicKey sidecarKey, Instant now, Duration life) {
    return sign(
        NodeTls.sidecarName(node), sidecarKey, KeyPurposeId.id_kp_serverAuth, now, now.plus(life));
  }

  /** A new key and certificate of the operator. */
  Identity newOperatorIdentity(Instant now) {
    KeyPair keys = newKeys();
    X509Certificate own =
        sign(
            NodeTls.OPERATOR_NAME,
            keys.getPublic(),
            KeyPurposeId.id_kp_clientAuth,
            now,
            now.plus(OPERATOR_LIFE));
    return new Identity(List.of(own), keys.getPrivate());
  }

  /** Whether it has not expired. */
  boolean isGood(Instant now) {
    return certificate.getNotAfter().toInstant().isAfter(now);
  }

  /** Whether it has two thirds of its life behind it. */
  boolean isDue(Instant now) {
    return isDue(certificate, now);
  }

  static boolean isDue(X509Certificate certificate, Instant now) {
    Instant begin = certificate.getNotBefore().toInstant();
    Instant end = certificate.getNotAfter().toInstant();
    return !now.isBefore(begin.plus(Duration.between(begin, end).multipliedBy(2).dividedBy(3)));
  }

  private X509Certificate sign(
      String dnsName, PublicKey subjectKey, KeyPurposeId role, Instant now, Instant until) {
    Instant own = certificate.getNotAfter().toInstant();
    Form form =
        new Form(
            X500Name.getInstance(certificate.getSubjectX500Principal().getEncoded()),
            name(dnsName),
            subjectKey,
            now.minus(BACKDATED),
            until.isBefore(own) ? until : own);
    try {
      X509v3CertificateBuilder builder =
          form.builder()
              .addExtension(Extension.basicConstraints, true, new BasicConstraints(false))
              .addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.digitalSignature))
              .addExtension(Extension.extendedKeyUsage, false, new ExtendedKeyUsage(role))
              .addExtension(
                  Extension.subjectAlternativeName,
                  false,
                  new GeneralNames(new GeneralName(GeneralName.dNSName, dnsName)));
      return signed(builder, key);
    } catch (IOException | GeneralSecurityException | OperatorCreationException e) {
      throw new IllegalStateException("while signing a certificate for " + dnsName, e);
    }
  }

  private static X509Certificate signed(X509v3CertificateBuilder builder, PrivateKey key)
      throws OperatorCreationException, GeneralSecurityException {
    String algorithm = key.getAlgorithm().equals("RSA") ? "SHA256withRSA" : "SHA256withECDSA";
    return new JcaX509CertificateConverter()
        .getCertificate(builder.build(new JcaContentSignerBuilder(algorithm).build(key)));
  }

  /** The whole subject of a certificate that says only what it is for. */
  static X500Name name(String commonName) {
    return new X500NameBuilder(BCStyle.INSTANCE).addRDN(BCStyle.CN, commonName).build();
  }

  private static KeyPair newKeys() {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
      generator.initialize(new ECGenParameterSpec("secp256r1"));
      return generator.generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this JDK makes no EC keys on P-256", e);
    }
  }

  /** Without the key. */
  @Override
  public String toString() {
    return "authority '%s', good until %s"
        .formatted(
            certificate.getSubjectX500Principal().getName(), certificate.getNotAfter().toInstant());
  }
}
