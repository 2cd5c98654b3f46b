package dev.vmcheckpoint.controller.certificates;

import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.cert.X509Certificate;
import java.security.interfaces.ECPrivateKey;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import org.bouncycastle.asn1.sec.SECObjectIdentifiers;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.openssl.jcajce.JcaPEMWriter;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.util.io.pem.PemObject;

/** An authority as cert-manager or a user makes it: of any name and either kind of key. */
record ForeignAuthority(X509Certificate certificate, KeyPair keys) {
  /**
   * A new one, always of the same name.
   *
   * @param algorithm of its key: {@code EC} or {@code RSA}
   */
  static ForeignAuthority of(String algorithm, Instant now) {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance(algorithm);
      generator.initialize(algorithm.equals("EC") ? 256 : 2048);
      KeyPair keys = generator.generateKeyPair();
      X500Name name = new X500Name("CN=company-ca");
      JcaX509v3CertificateBuilder builder =
          new JcaX509v3CertificateBuilder(
              name,
              BigInteger.ONE,
              Date.from(now.minusSeconds(60)),
              Date.from(now.plus(Duration.ofDays(1))),
              name,
              keys.getPublic());
      builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(true));
      String signature = algorithm.equals("EC") ? "SHA256withECDSA" : "SHA256withRSA";
      return new ForeignAuthority(
          new JcaX509CertificateConverter()
              .getCertificate(
                  builder.build(new JcaContentSignerBuilder(signature).build(keys.getPrivate()))),
          keys);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (GeneralSecurityException | OperatorCreationException e) {
      throw new IllegalStateException("while making an authority", e);
    }
  }

  String certificatePem() {
    return AuthorityPem.text(certificate);
  }

  /** PKCS #1 for RSA; SEC 1 for EC, with the curve, as other tools write it. */
  String traditionalKeyPem() {
    StringWriter text = new StringWriter();
    try (JcaPEMWriter writer = new JcaPEMWriter(text)) {
      if (keys.getPrivate() instanceof ECPrivateKey key) {
        byte[] sec1 =
            new org.bouncycastle.asn1.sec.ECPrivateKey(
                    256, key.getS(), SECObjectIdentifiers.secp256r1)
                .getEncoded();
        writer.writeObject(new PemObject("EC PRIVATE KEY", sec1));
      } else {
        writer.writeObject(keys.getPrivate());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return text.toString();
  }
}
