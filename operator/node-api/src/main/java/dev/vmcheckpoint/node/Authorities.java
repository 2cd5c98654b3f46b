package dev.vmcheckpoint.node;

import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.List;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;

/**
 * Whose signatures are believed. Operator and sidecar find one another's by an arrangement in the
 * cluster: the sidecar asks a signer for its certificate, and reads in a ConfigMap of its namespace
 * whom to believe; the operator signs, and writes that ConfigMap.
 */
public final class Authorities {
  /** The signer of the sidecars' requests ({@code certificates.k8s.io/v1}). */
  public static final String SIGNER = "vmcheckpoint.dev/sidecar";

  /** The ConfigMap's name. */
  public static final String CONFIG_MAP = "vmcheckpoint-authorities";

  /** The ConfigMap's key: certificates in PEM. */
  public static final String KEY = "ca.crt";

  private Authorities() {}

  /**
   * Believes what these have signed, and nobody else.
   *
   * @param authorities at least one
   */
  public static X509TrustManager trustManager(List<X509Certificate> authorities) {
    try {
      KeyStore store = KeyStore.getInstance("PKCS12");
      store.load(null, null);
      for (int i = 0; i < authorities.size(); i++) {
        store.setCertificateEntry("authority-" + i, authorities.get(i));
      }
      TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
      factory.init(store);
      return Arrays.stream(factory.getTrustManagers())
          .filter(X509TrustManager.class::isInstance)
          .map(X509TrustManager.class::cast)
          .findFirst()
          .orElseThrow();
    } catch (GeneralSecurityException | IOException e) {
      throw new IllegalStateException(
          "while making a trust manager of %d authorities".formatted(authorities.size()), e);
    }
  }
}
