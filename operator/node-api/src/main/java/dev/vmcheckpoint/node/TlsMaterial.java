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
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.CertificateException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateFactory;
import java.security.cert.CertificateNotYetValidException;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.List;

/**
 * One end's identity and the authorities that it trusts, as a Secret of type {@code
 * kubernetes.io/tls} mounts them: PEM, in files of fixed names.
 *
 * @param chain own certificate, then those that signed it, from {@code tls.crt}
 * @param key its private key, from {@code tls.key}
 * @param authorities whose signatures are believed, from {@code ca.crt}
 */
record TlsMaterial(List<X509Certificate> chain, PrivateKey key, List<X509Certificate> authorities) {
  private static final String PKCS8_BEGIN = "-----BEGIN PRIVATE KEY-----";
  private static final String PKCS8_END = "-----END PRIVATE KEY-----";

  TlsMaterial {
    chain = List.copyOf(chain);
    authorities = List.copyOf(authorities);
  }

  static TlsMaterial read(Path directory) throws TlsException {
    Path certificateFile = directory.resolve("tls.crt");
    Path keyFile = directory.resolve("tls.key");
    List<X509Certificate> chain = certificates(certificateFile);
    X509Certificate own = chain.getFirst();
    requireValidNow(certificateFile, own);
    PrivateKey key = privateKey(keyFile, own.getPublicKey().getAlgorithm());
    requirePair(keyFile, key, own.getPublicKey());
    return new TlsMaterial(chain, key, certificates(directory.resolve("ca.crt")));
  }

  private static List<X509Certificate> certificates(Path file) throws TlsException {
    byte[] pem = bytes(file);
    List<X509Certificate> found;
    try {
      found =
          CertificateFactory.getInstance("X.509")
              .generateCertificates(new ByteArrayInputStream(pem))
              .stream()
              .map(X509Certificate.class::cast)
              .toList();
    } catch (CertificateException e) {
      throw new TlsException("%s: not a PEM certificate: %s".formatted(file, e.getMessage()), e);
    }
    if (found.isEmpty()) {
      throw new TlsException("%s: holds no PEM certificate".formatted(file));
    }
    return found;
  }

  private static void requireValidNow(Path file, X509Certificate certificate) throws TlsException {
    try {
      certificate.checkValidity();
    } catch (CertificateExpiredException e) {
      throw new TlsException(
          "%s: the certificate expired at %s"
              .formatted(file, certificate.getNotAfter().toInstant()),
          e);
    } catch (CertificateNotYetValidException e) {
      throw new TlsException(
          "%s: the certificate is not valid before %s"
              .formatted(file, certificate.getNotBefore().toInstant()),
          e);
    }
  }

  private static PrivateKey privateKey(Path file, String algorithm) throws TlsException {
    String pem = new String(bytes(file), StandardCharsets.ISO_8859_1);
    int begin = pem.indexOf(PKCS8_BEGIN);
    int end = pem.indexOf(PKCS8_END);
    if (begin < 0 || end < begin) {
      throw new TlsException(
          "%s: holds no PEM block 'PRIVATE KEY' (PKCS #8, not encrypted); 'openssl pkcs8 -topk8 -nocrypt' converts other forms"
              .formatted(file));
    }
    try {
      byte[] der = Base64.getMimeDecoder().decode(pem.substring(begin + PKCS8_BEGIN.length(), end));
      return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(der));
    } catch (IllegalArgumentException | GeneralSecurityException e) {
      throw new TlsException(
          "%s: not a PKCS #8 key of the certificate's kind, %s".formatted(file, algorithm), e);
    }
  }

  /** Found here, a mix-up has a name; found by the peer, it is a failed handshake. */
  private static void requirePair(Path file, PrivateKey key, PublicKey certified)
      throws TlsException {
    String algorithm =
        switch (certified.getAlgorithm()) {
          case "EC" -> "SHA256withECDSA";
          case "RSA" -> "SHA256withRSA";
          default ->
              throw new TlsException(
                  "%s: a key of kind %s; EC and RSA are possible"
                      .formatted(file, certified.getAlgorithm()));
        };
    try {
      Signature signature = Signature.getInstance(algorithm);
      byte[] sample = "one pair".getBytes(StandardCharsets.US_ASCII);
      signature.initSign(key);
      signature.update(sample);
      byte[] signed = signature.sign();
      signature.initVerify(certified);
      signature.update(sample);
      if (!signature.verify(signed)) {
        throw new TlsException("%s: not the key of the certificate in tls.crt".formatted(file));
      }
    } catch (GeneralSecurityException e) {
      throw new TlsException(
          "%s: not the key of the certificate in tls.crt: %s".formatted(file, e.getMessage()), e);
    }
  }

  private static byte[] bytes(Path file) throws TlsException {
    try {
      return Files.readAllBytes(file);
    } catch (NoSuchFileException e) {
      throw new TlsException("%s: no such file".formatted(file), e);
    } catch (AccessDeniedException e) {
      throw new TlsException("%s: permission denied".formatted(file), e);
    } catch (IOException e) {
      throw new TlsException("%s: cannot be read: %s".formatted(file, e.getMessage()), e);
    }
  }
}
