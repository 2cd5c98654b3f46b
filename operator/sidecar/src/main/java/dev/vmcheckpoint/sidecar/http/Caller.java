package dev.vmcheckpoint.sidecar.http;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsExchange;
import dev.vmcheckpoint.node.ErrorCode;
import dev.vmcheckpoint.node.NodeApiException;
import dev.vmcheckpoint.node.NodeTls;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.net.ssl.SSLPeerUnverifiedException;

/** Who calls: TLS has proved that the certificate is one of ours, its names say what it permits. */
final class Caller {
  private Caller() {}

  static void requireOperator(HttpExchange exchange) {
    List<String> names = names(exchange);
    if (!names.contains(NodeTls.OPERATOR_NAME)) {
      throw new NodeApiException.Answered(
          ErrorCode.Forbidden,
          "the caller's certificate is for %s, not for %s".formatted(names, NodeTls.OPERATOR_NAME));
    }
  }

  private static List<String> names(HttpExchange exchange) {
    try {
      return ((HttpsExchange) exchange).getSSLSession().getPeerCertificates()[0]
              instanceof X509Certificate certificate
          ? NodeTls.dnsNames(certificate)
          : List.of();
    } catch (SSLPeerUnverifiedException | CertificateParsingException e) {
      throw new NodeApiException.Answered(
          ErrorCode.Forbidden,
          "the caller's certificate cannot be read: %s".formatted(e.getMessage()));
    }
  }
}
