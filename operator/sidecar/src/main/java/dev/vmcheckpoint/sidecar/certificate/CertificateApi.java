package dev.vmcheckpoint.sidecar.certificate;

import java.io.IOException;
import java.time.Duration;
import java.util.Optional;

/** What the API server is asked for, each call as the sidecar's service account. */
interface CertificateApi {
  /**
   * Asks for a certificate.
   *
   * @param request PKCS #10 in PEM
   * @param life for how long; the signer may shorten it
   * @return the name of the CertificateSigningRequest
   */
  String request(String request, Duration life) throws IOException, InterruptedException;

  /** What has become of the request of that name. */
  SigningState state(String name) throws IOException, InterruptedException;

  /** The authorities to believe, in PEM; empty before the operator has published them. */
  Optional<String> authorities() throws IOException, InterruptedException;
}
