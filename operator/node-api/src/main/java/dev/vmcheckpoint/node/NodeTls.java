package dev.vmcheckpoint.node;

import java.io.IOException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;

/**
 * TLS 1.3 between operator and sidecar, each of which shows a certificate, from a directory with
 * {@code tls.crt}, {@code tls.key} and {@code ca.crt} as a Secret mounts them.
 */
public final class NodeTls {
  /** DNS name in the certificate of every sidecar. */
  public static final String SIDECAR_NAME = "sidecar.vmcheckpoint.internal";

  /** DNS name in the operator's certificate. */
  public static final String OPERATOR_NAME = "operator.vmcheckpoint.internal";

  private static final String PROTOCOL = "TLSv1.3";
  private static final int GENERAL_NAME_DNS = 2; // RFC 5280, 4.2.1.6

  private NodeTls() {}

  /**
   * For the end that dials: the peer has to show a server's certificate for the given name,
   * whatever its address is.
   *
   * @throws TlsException which file is not usable, and why
   */
  public static SSLContext client(Path directory, String serverName) throws TlsException {
    return context(directory, Optional.of(serverName));
  }

  /**
   * For the end that listens: the peer has to show a client's certificate; what its names permit is
   * for the caller to decide.
   *
   * @throws TlsException which file is not usable, and why
   */
  public static SSLContext server(Path directory) throws TlsException {
    return context(directory, Optional.empty());
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

  private static SSLContext context(Path directory, Optional<String> expectedName)
      throws TlsException {
    TlsMaterial material = TlsMaterial.read(directory);
    try {
      KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
      char[] noPassword = new char[0];
      keys.init(identity(material, noPassword), noPassword);
      SSLContext context = SSLContext.getInstance(PROTOCOL);
      context.init(
          keys.getKeyManagers(),
          new TrustManager[] {new PeerTrustManager(chains(material), expectedName)},
          null);
      return context;
    } catch (GeneralSecurityException | IOException e) {
      throw new TlsException(
          "%s: no TLS with these certificates: %s".formatted(directory, e.getMessage()), e);
    }
  }

  private static KeyStore identity(TlsMaterial material, char[] password)
      throws GeneralSecurityException, IOException {
    KeyStore store = emptyStore();
    store.setKeyEntry(
        "own", material.key(), password, material.chain().toArray(new Certificate[0]));
    return store;
  }

  private static X509TrustManager chains(TlsMaterial material)
      throws GeneralSecurityException, IOException {
    KeyStore store = emptyStore();
    int number = 0;
    for (X509Certificate authority : material.authorities()) {
      store.setCertificateEntry("authority-" + number++, authority);
    }
    TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
    factory.init(store);
    return Arrays.stream(factory.getTrustManagers())
        .filter(X509TrustManager.class::isInstance)
        .map(X509TrustManager.class::cast)
        .findFirst()
        .orElseThrow();
  }

  private static KeyStore emptyStore() throws GeneralSecurityException, IOException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    return store;
  }
}
