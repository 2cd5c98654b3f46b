package dev.vmcheckpoint.node;

import java.nio.file.Path;
import java.security.PrivateKey;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * Certificates from a directory with {@code tls.crt}, {@code tls.key} and {@code ca.crt}, as a
 * Secret of type {@code kubernetes.io/tls} is mounted. Files that are replaced are taken up within
 * ten seconds; as long as the new ones are not usable together, the earlier ones stay.
 */
public final class TlsFiles implements TlsSource {
  private static final Duration LOOK_AGAIN_AFTER = Duration.ofSeconds(10);

  private final Path directory;
  private final LongSupplier nanoTime;
  private final Consumer<TlsException> unusable;
  private Content content;
  private TlsMaterial material;
  private long lookedAt;

  /** What was read, so that it is not parsed again as long as it is the same. */
  private record Content(String certificate, String key, String authorities) {
    static Content of(Path directory) throws TlsException {
      return new Content(
          Pem.text(directory.resolve("tls.crt")),
          Pem.text(directory.resolve("tls.key")),
          Pem.text(directory.resolve("ca.crt")));
    }
  }

  private TlsFiles(
      Path directory, LongSupplier nanoTime, Consumer<TlsException> unusable, Content content)
      throws TlsException {
    this.directory = directory;
    this.nanoTime = nanoTime;
    this.unusable = unusable;
    this.content = content;
    material = material(directory, content);
    lookedAt = nanoTime.getAsLong();
  }

  /**
   * Reads a directory.
   *
   * @param unusable told where files were replaced by such that cannot be used
   * @throws TlsException which file is not usable, and why
   */
  public static TlsFiles in(Path directory, Consumer<TlsException> unusable) throws TlsException {
    return in(directory, System::nanoTime, unusable);
  }

  static TlsFiles in(Path directory, LongSupplier nanoTime, Consumer<TlsException> unusable)
      throws TlsException {
    return new TlsFiles(directory, nanoTime, unusable, Content.of(directory));
  }

  @Override
  public synchronized TlsMaterial current() {
    long now = nanoTime.getAsLong();
    if (now - lookedAt >= LOOK_AGAIN_AFTER.toNanos()) {
      lookedAt = now;
      try {
        Content read = Content.of(directory);
        if (!read.equals(content)) {
          material = material(directory, read);
          content = read;
        }
      } catch (TlsException e) {
        unusable.accept(e);
      }
    }
    return material;
  }

  private static TlsMaterial material(Path directory, Content content) throws TlsException {
    Path certificateFile = directory.resolve("tls.crt");
    Path keyFile = directory.resolve("tls.key");
    List<X509Certificate> chain =
        Pem.certificates(certificateFile.toString(), content.certificate());
    requireValidNow(certificateFile, chain.getFirst());
    PrivateKey key =
        Pem.privateKey(
            keyFile.toString(), content.key(), chain.getFirst().getPublicKey().getAlgorithm());
    try {
      return new TlsMaterial(
          List.of(new TlsMaterial.Identity(chain, key)),
          Pem.certificates(directory.resolve("ca.crt").toString(), content.authorities()));
    } catch (IllegalArgumentException e) {
      throw new TlsException("%s: %s in tls.crt".formatted(keyFile, e.getMessage()), e);
    }
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
}
