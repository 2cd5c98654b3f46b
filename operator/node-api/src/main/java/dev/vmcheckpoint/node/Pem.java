package dev.vmcheckpoint.node;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.List;

/** Certificates and keys in PEM (RFC 7468). */
public final class Pem {
  private static final String PKCS8_BEGIN = "-----BEGIN PRIVATE KEY-----";
  private static final String PKCS8_END = "-----END PRIVATE KEY-----";

  private Pem() {}

  /**
   * The certificates in a text, in their order; at least one.
   *
   * @param what where the text is from, for the message
   */
  public static List<X509Certificate> certificates(String what, String pem) throws TlsException {
    List<X509Certificate> found;
    try {
      found =
          CertificateFactory.getInstance("X.509")
              .generateCertificates(
                  new ByteArrayInputStream(pem.getBytes(StandardCharsets.ISO_8859_1)))
              .stream()
              .map(X509Certificate.class::cast)
              .toList();
    } catch (CertificateException e) {
      throw new TlsException("%s: not a PEM certificate: %s".formatted(what, e.getMessage()), e);
    }
    if (found.isEmpty()) {
      throw new TlsException("%s: holds no PEM certificate".formatted(what));
    }
    return found;
  }

  /**
   * The private key in a text, PKCS #8 and not encrypted.
   *
   * @param what where the text is from, for the message
   * @param algorithm EC or RSA
   */
  public static PrivateKey privateKey(String what, String pem, String algorithm)
      throws TlsException {
    int begin = pem.indexOf(PKCS8_BEGIN);
    int end = pem.indexOf(PKCS8_END);
    if (begin < 0 || end < begin) {
      throw new TlsException(
          "%s: holds no PEM block 'PRIVATE KEY' (PKCS #8, not encrypted); 'openssl pkcs8 -topk8 -nocrypt' converts other forms"
              .formatted(what));
    }
    try {
      byte[] der = Base64.getMimeDecoder().decode(pem.substring(begin + PKCS8_BEGIN.length(), end));
      return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(der));
    } catch (IllegalArgumentException | GeneralSecurityException e) {
      throw new TlsException(
          "%s: not a PKCS #8 key of the certificate's kind, %s".formatted(what, algorithm), e);
    }
  }

  /** What a file says. */
  public static String text(Path file) throws TlsException {
    try {
      return Files.readString(file, StandardCharsets.ISO_8859_1);
    } catch (NoSuchFileException e) {
      throw new TlsException("%s: no such file".formatted(file), e);
    } catch (AccessDeniedException e) {
      throw new TlsException("%s: permission denied".formatted(file), e);
    } catch (IOException e) {
      throw new TlsException("%s: cannot be read: %s".formatted(file, e.getMessage()), e);
    }
  }
}
