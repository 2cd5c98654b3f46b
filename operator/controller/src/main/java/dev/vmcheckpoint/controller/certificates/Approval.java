package dev.vmcheckpoint.controller.certificates;

import dev.vmcheckpoint.node.Authorities;
import dev.vmcheckpoint.node.NodeTls;
import io.fabric8.kubernetes.api.model.certificates.v1.CertificateSigningRequest;
import io.fabric8.kubernetes.api.model.certificates.v1.CertificateSigningRequestSpec;
import io.fabric8.kubernetes.api.model.certificates.v1.CertificateSigningRequestStatus;
import java.security.PublicKey;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * Whether a CertificateSigningRequest ({@code certificates.k8s.io/v1}) is granted. Who asks, and
 * from which node, the API server has written into the request from the caller's token; everything
 * else is the caller's word.
 */
sealed interface Approval {
  /** Where the API server puts the node of a token that is bound to a pod (KEP-4193). */
  String NODE_CLAIM = "authentication.kubernetes.io/node-name";

  /** The name of the sidecars' service account. */
  String SERVICE_ACCOUNT = "vmcheckpoint-sidecar";

  /** The longest life of a sidecar's certificate; also where it asks for none. */
  Duration LONGEST = Duration.ofHours(24);

  /** The shortest one, which is the least that the API takes. */
  Duration SHORTEST = Duration.ofMinutes(10);

  /** Why a request is denied, as the reason of its condition. */
  enum Reason {
    NotTheSidecar,
    NoNodeClaim,
    WrongUsages,
    Unreadable,
    WrongKey,
    WrongSignature,
    WrongName,
    WrongExtensions
  }

  /**
   * Granted.
   *
   * @param node the sidecar's node
   * @param life how long the certificate is to be good
   */
  record Sign(String node, PublicKey key, Duration life) implements Approval {}

  /**
   * Denied.
   *
   * @param message a sentence for whoever made the request
   */
  record Deny(Reason reason, String message) implements Approval {}

  /** Of another signer, or decided already. */
  record Leave() implements Approval {}

  /**
   * Decides.
   *
   * @param sidecarNamespace the namespace of the sidecars' service account
   */
  static Approval of(CertificateSigningRequest request, String sidecarNamespace) {
    CertificateSigningRequestSpec spec = request.getSpec();
    if (!Authorities.SIGNER.equals(spec.getSignerName()) || isDecided(request)) {
      return new Leave();
    }
    try {
      requireServiceAccount(spec, sidecarNamespace);
      String node = node(spec);
      requireUsages(spec);
      return new Sign(
          node, SidecarKey.of(spec.getRequest(), NodeTls.sidecarName(node)), life(spec));
    } catch (DeniedException e) {
      return new Deny(e.reason(), String.valueOf(e.getMessage()));
    }
  }

  /** Whether somebody, who may be anybody with that right, has approved it. */
  static boolean isApproved(CertificateSigningRequest request) {
    return hasCondition(request, Set.of("Approved"));
  }

  private static boolean isDecided(CertificateSigningRequest request) {
    boolean isSigned =
        Optional.ofNullable(request.getStatus())
            .map(CertificateSigningRequestStatus::getCertificate)
            .filter(certificate -> !certificate.isEmpty())
            .isPresent();
    return isSigned || hasCondition(request, Set.of("Denied", "Failed"));
  }

  private static boolean hasCondition(CertificateSigningRequest request, Set<String> types) {
    return Optional.ofNullable(request.getStatus()).stream()
        .flatMap(status -> status.getConditions().stream())
        .anyMatch(condition -> types.contains(condition.getType()));
  }

  private static void requireServiceAccount(
      CertificateSigningRequestSpec spec, String sidecarNamespace) throws DeniedException {
    String wanted = "system:serviceaccount:%s:%s".formatted(sidecarNamespace, SERVICE_ACCOUNT);
    if (!wanted.equals(spec.getUsername())) {
      throw new DeniedException(
          Reason.NotTheSidecar, "only %s may ask for a sidecar's certificate".formatted(wanted));
    }
  }

  private static String node(CertificateSigningRequestSpec spec) throws DeniedException {
    List<String> nodes =
        Optional.ofNullable(spec.getExtra()).map(extra -> extra.get(NODE_CLAIM)).orElse(List.of());
    if (nodes.size() != 1 || nodes.getFirst().isEmpty()) {
      throw new DeniedException(
          Reason.NoNodeClaim,
          "the token of the request names no node; it has to be one that is bound to a pod, in"
              + " Kubernetes 1.30 or newer");
    }
    return nodes.getFirst();
  }

  private static void requireUsages(CertificateSigningRequestSpec spec) throws DeniedException {
    List<String> usages = Objects.requireNonNullElse(spec.getUsages(), List.of());
    if (usages.size() != 2
        || !Set.copyOf(usages).equals(Set.of("digital signature", "server auth"))) {
      throw new DeniedException(
          Reason.WrongUsages,
          "a sidecar's certificate is for 'digital signature' and 'server auth', not for %s"
              .formatted(usages));
    }
  }

  private static Duration life(CertificateSigningRequestSpec spec) {
    Duration asked =
        Optional.ofNullable(spec.getExpirationSeconds()).map(Duration::ofSeconds).orElse(LONGEST);
    if (asked.compareTo(SHORTEST) < 0) {
      return SHORTEST;
    }
    return asked.compareTo(LONGEST) > 0 ? LONGEST : asked;
  }
}
