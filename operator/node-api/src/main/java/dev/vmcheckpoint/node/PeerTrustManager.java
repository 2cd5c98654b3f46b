package dev.vmcheckpoint.node;

import java.net.Socket;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Predicate;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * Believes a peer whose chain ends in an authority, and whose certificate is for its role and
 * carries a right name, whatever address was dialled: pods are dialled by IP, and certificates
 * carry names.
 *
 * <p>An extended trust manager, since around a plain one the JDK wraps its own check of the dialled
 * address against the certificate.
 */
final class PeerTrustManager extends X509ExtendedTrustManager {
  private static final String SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
  private static final String CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";

  private final CurrentManagers current;
  private final Predicate<List<String>> rightNames;

  private final BiConsumer<String, String> refused;

  /**
   * @param rightNames whether DNS names are those of a peer to talk to
   * @param refused told of clients that are not believed: their address, and why
   */
  PeerTrustManager(
      CurrentManagers current,
      Predicate<List<String>> rightNames,
      BiConsumer<String, String> refused) {
    this.current = current;
    this.rightNames = rightNames;
    this.refused = refused;
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String authType)
      throws CertificateException {
    requireValidNow(chain[0]);
    current.trust().checkServerTrusted(chain, authType);
    requireUsage(chain[0], SERVER_AUTH, "a server");
    requireName(chain[0]);
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType)
      throws CertificateException {
    requireValidNow(chain[0]);
    current.trust().checkClientTrusted(chain, authType);
    requireUsage(chain[0], CLIENT_AUTH, "a client");
    requireName(chain[0]);
  }

  /** In words that tell which clock it may be; the JDK's name one of the two times. */
  private static void requireValidNow(X509Certificate certificate) throws CertificateException {
    Instant now = Instant.now().truncatedTo(ChronoUnit.SECONDS);
    Instant begin = certificate.getNotBefore().toInstant();
    Instant end = certificate.getNotAfter().toInstant();
    if (now.isBefore(begin)) {
      throw notNow("is not valid before %s".formatted(begin), now);
    }
    if (now.isAfter(end)) {
      throw notNow("expired at %s".formatted(end), now);
    }
  }

  private static CertificateException notNow(String what, Instant now) {
    return new CertificateException(
        "the peer's certificate %s, and the clock here says %s".formatted(what, now));
  }

  /** A certificate without the extension would be for everything. */
  private static void requireUsage(X509Certificate certificate, String usage, String role)
      throws CertificateException {
    List<String> usages = certificate.getExtendedKeyUsage();
    if (usages == null || !usages.contains(usage)) {
      throw new CertificateException(
          "the peer's certificate %s is not for %s"
              .formatted(certificate.getSubjectX500Principal(), role));
    }
  }

  private void requireName(X509Certificate certificate) throws CertificateException {
    List<String> names = NodeTls.dnsNames(certificate);
    if (!rightNames.test(names)) {
      throw new CertificateException("the peer's certificate is for %s".formatted(names));
    }
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String authType, Socket socket)
      throws CertificateException {
    checkServerTrusted(chain, authType);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
      throws CertificateException {
    checkServerTrusted(chain, authType);
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType, Socket socket)
      throws CertificateException {
    checkClientTrusted(chain, authType);
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
      throws CertificateException {
    try {
      checkClientTrusted(chain, authType);
    } catch (CertificateException e) {
      refused.accept("%s:%d".formatted(engine.getPeerHost(), engine.getPeerPort()), e.toString());
      throw e;
    }
  }

  @Override
  public X509Certificate[] getAcceptedIssuers() {
    return current.trust().getAcceptedIssuers();
  }
}
