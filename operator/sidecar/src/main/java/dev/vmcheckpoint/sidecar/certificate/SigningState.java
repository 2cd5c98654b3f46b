package dev.vmcheckpoint.sidecar.certificate;

/**
 * What has become of a request for a certificate (CertificateSigningRequest,
 * certificates.k8s.io/v1).
 */
sealed interface SigningState {
  /** Nobody has decided yet, or the certificate is still to come. */
  record Pending() implements SigningState {}

  /**
   * It is signed.
   *
   * @param pem the certificate, and those that signed it
   */
  record Signed(String pem) implements SigningState {}

  /**
   * It is denied, or could not be signed.
   *
   * @param why reason and message
   */
  record Refused(String why) implements SigningState {}

  /** There is no such request any more. */
  record Gone() implements SigningState {}
}
