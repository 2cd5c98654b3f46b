package dev.vmcheckpoint.node;

import java.security.GeneralSecurityException;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.Collection;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Predicate;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.TrustManager;

/** TLS 1.3 between operator and sidecar, each of which shows a certificate. */
public final class NodeTls {
  /** What the DNS name of a sidecar ends in. */
  private static final String OF_A_SIDECAR = ".sidecar.vmcheckpoint.internal";

  /** DNS name in the operator's certificate. */
  public static final String OPERATOR_NAME = "operator.vmcheckpoint.internal";

  private static final String PROTOCOL = "TLSv1.3";
  private static final int RESUMED_WITHIN_SECONDS = 60;
  private static final int GENERAL_NAME_DNS = 2; // RFC 5280, 4.2.1.6

  private NodeTls() {}

  /**
   * The DNS name in the certificate of a sidecar.
   *
   * @param node the name of its node
   */
  public static String sidecarName(String node) {
    return node + OF_A_SIDECAR;
  }

  /**
   * For the end that dials: the peer has to show a server's certificate of a sidecar, whatever its
   * address is. Whether it is the sidecar of the right node its name tells, when it has answered.
   */
  public static SSLContext client(TlsSource source) {
    return context(
        source,
        names -> names.stream().anyMatch(name -> name.endsWith(OF_A_SIDECAR)),
        (_, _) -> {});
  }

  /** As the other method does, and tells nobody of callers that are not believed. */
  public static SSLContext server(TlsSource source) {
    return server(source, (_, _) -> {});
  }

  /**
   * For the end that listens: the peer has to show a client's certificate; what its names permit is
   * for the caller to decide.
   *
   * @param refused told of each caller whose certificate is not believed: its address, and why
   */
  public static SSLContext server(TlsSource source, BiConsumer<String, String> refused) {
    SSLContext context = context(source, _ -> true, refused);
    // A session that is resumed shows no certificate again.
    context.getServerSessionContext().setSessionTimeout(RESUMED_WITHIN_SECONDS);
    return context;
  }

  static SSLParameters clientParameters() {
    SSLParameters parameters = new SSLParameters();
    parameters.setProtocols(new String[] {PROTOCOL});
    return parameters;
  }

  /** For the end that listens: TLS 1.3, and no connection without a client's certificate. */
  public static SSLParameters serverParameters() {
    SSLParameters parameters = clientParameters();
    parameters.setNeedClientAuth(true);
    return parameters;
  }

  /** The DNS names among the certificate's subject alternative names. */
  public static List<String> dnsNames(X509Certificate certificate)
      throws CertificateParsingException {
    Collection<List<?>> names = certificate.getSubjectAlternativeNames();
    if (names == null) {
      return List.of();
    }
    return names.stream()
        .filter(name -> name.getFirst().equals(GENERAL_NAME_DNS))
        .map(name -> (String) name.get(1))
        .toList();
  }

  private static SSLContext context(
      TlsSource source, Predicate<List<String>> rightNames, BiConsumer<String, String> refused) {
    CurrentManagers managers = new CurrentManagers(source);
    try {
      SSLContext context = SSLContext.getInstance(PROTOCOL);
      context.init(
          new KeyManager[] {managers},
          new TrustManager[] {new PeerTrustManager(managers, rightNames, refused)},
          null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this JDK has no %s".formatted(PROTOCOL), e);
    }
  }
}
