package dev.vmcheckpoint.controller.certificates;

import dev.vmcheckpoint.node.Pem;
import dev.vmcheckpoint.node.TlsException;
import dev.vmcheckpoint.node.TlsMaterial.Identity;
import java.io.IOException;
import java.io.StringReader;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.openssl.PEMKeyPair;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.util.io.pem.PemObject;
import org.bouncycastle.util.io.pem.PemWriter;

/** Authorities in PEM (RFC 7468), as Secrets of type {@code kubernetes.io/tls} hold them. */
final class AuthorityPem {
  private static final int KEY_CERT_SIGN = 5; // RFC 5280, 4.2.1.3

  private AuthorityPem() {}

  /**
   * The authority of a certificate and its key, which is PKCS #8, PKCS #1 or SEC 1.
   *
   * @param certificates the authority's own first; it is believed itself, whoever has signed it
   * @throws AuthorityException if it cannot sign now; without a word of the key
   */
  static Authority read(String certificates, String key, Instant now) throws AuthorityException {
    X509Certificate own = first(certificates);
    requireAuthority(own);
    if (own.getNotAfter().toInstant().isBefore(now)) {
      throw new AuthorityException(
          "tls.crt: the certificate expired at %s".formatted(own.getNotAfter().toInstant()));
    }
    if (own.getNotBefore().toInstant().isAfter(now)) {
      throw new AuthorityException(
          "tls.crt: the certificate is not valid before %s"
              .formatted(own.getNotBefore().toInstant()));
    }
    try {
      return new Authority(
          own, new Identity(List.of(own), key(key, own.getPublicKey().getAlgorithm())).key());
    } catch (IllegalArgumentException e) {
      throw new AuthorityException("tls.key: %s in tls.crt".formatted(e.getMessage()), e);
    }
  }

  private static X509Certificate first(String certificates) throws AuthorityException {
    try {
      return Pem.certificates("tls.crt", certificates).getFirst();
    } catch (TlsException e) {
      throw new AuthorityException(String.valueOf(e.getMessage()), e);
    }
  }

  private static void requireAuthority(X509Certificate certificate) throws AuthorityException {
    boolean[] usages = certificate.getKeyUsage();
    if (!isAuthority(certificate) || (usages != null && !usages[KEY_CERT_SIGN])) {
      throw new AuthorityException(
          "tls.crt: the certificate is not one of a certificate authority, which has basic"
              + " constraints CA:TRUE and may sign certificates");
    }
  }

  /** Whether the certificate is a CA's by its basic constraints. */
  static boolean isAuthority(X509Certificate certificate) {
    return certificate.getBasicConstraints() >= 0;
  }

  private static PrivateKey key(String pem, String algorithm) throws AuthorityException {
    try (PEMParser parser = new PEMParser(new StringReader(pem))) {
      for (Object part = parser.readObject(); part != null; part = parser.readObject()) {
        switch (part) {
          case PrivateKeyInfo pkcs8 -> {
            return key(pkcs8, algorithm);
          }
          case PEMKeyPair pair -> {
            return key(pair.getPrivateKeyInfo(), algorithm);
          }
          default -> {} // OpenSSL puts the parameters of a curve before the key
        }
      }
    } catch (IOException | GeneralSecurityException | RuntimeException e) {
      // Without the cause: its words may be of the key.
      throw new AuthorityException(
          "tls.key: not a private key in PEM of the certificate's kind, %s".formatted(algorithm));
    }
    throw new AuthorityException("tls.key: holds no private key in PEM that is not encrypted");
  }

  private static PrivateKey key(PrivateKeyInfo pkcs8, String algorithm)
      throws IOException, GeneralSecurityException {
    return KeyFactory.getInstance(algorithm)
        .generatePrivate(new PKCS8EncodedKeySpec(pkcs8.getEncoded()));
  }

  /** A text in base64, as Secrets and certificate signing requests hold it. */
  static String encoded(String pem) {
    return Base64.getEncoder().encodeToString(pem.getBytes(StandardCharsets.US_ASCII));
  }

  static String text(X509Certificate certificate) {
    try {
      return text("CERTIFICATE", certificate.getEncoded());
    } catch (CertificateEncodingException e) {
      throw new IllegalStateException("while writing a certificate in PEM", e);
    }
  }

  /** In PKCS #8. */
  static String text(PrivateKey key) {
    return text("PRIVATE KEY", key.getEncoded());
  }

  private static String text(String type, byte[] content) {
    StringWriter text = new StringWriter();
    try (PemWriter writer = new PemWriter(text)) {
      writer.writeObject(new PemObject(type, content));
    } catch (IOException e) {
      throw new IllegalStateException("while writing a %s in PEM".formatted(type), e);
    }
    return text.toString();
  }
}
