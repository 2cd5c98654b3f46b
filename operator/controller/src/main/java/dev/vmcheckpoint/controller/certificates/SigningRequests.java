package dev.vmcheckpoint.controller.certificates;

import dev.vmcheckpoint.controller.lead.Leadership;
import dev.vmcheckpoint.node.Authorities;
import io.fabric8.kubernetes.api.model.ListOptionsBuilder;
import io.fabric8.kubernetes.api.model.certificates.v1.CertificateSigningRequest;
import io.fabric8.kubernetes.api.model.certificates.v1.CertificateSigningRequestBuilder;
import io.fabric8.kubernetes.api.model.certificates.v1.CertificateSigningRequestCondition;
import io.fabric8.kubernetes.api.model.certificates.v1.CertificateSigningRequestConditionBuilder;
import io.fabric8.kubernetes.api.model.certificates.v1.CertificateSigningRequestList;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.FilterWatchListDeletable;
import io.fabric8.kubernetes.client.dsl.Resource;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import io.fabric8.kubernetes.client.informers.cache.ReducedStateItemStore;
import io.micrometer.core.instrument.MeterRegistry;
import java.net.HttpURLConnection;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.util.Objects;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Grants and denies the sidecars' requests, while this process leads. Each write is about the very
 * version of a request that was decided on; one that fails is made up for when {@link #handleAll}
 * is called next. To be used by one thread.
 */
final class SigningRequests {
  private static final Logger LOG = LoggerFactory.getLogger(SigningRequests.class);

  /** So many requests are in memory at once, each as large as the API server keeps it. */
  private static final long AT_ONCE = 10;

  private final KubernetesClient client;
  private final String sidecarNamespace;
  private final Leadership leadership;
  private final Clock clock;
  private final MeterRegistry meters;

  SigningRequests(
      KubernetesClient client,
      String sidecarNamespace,
      Leadership leadership,
      Clock clock,
      MeterRegistry meters) {
    this.client = client;
    this.sidecarNamespace = sidecarNamespace;
    this.leadership = leadership;
    this.clock = clock;
    this.meters = meters;
  }

  private FilterWatchListDeletable<
          CertificateSigningRequest,
          CertificateSigningRequestList,
          ? extends Resource<CertificateSigningRequest>>
      ours() {
    return client
        .certificates()
        .v1()
        .certificateSigningRequests()
        .withField("spec.signerName", Authorities.SIGNER);
  }

  /**
   * Tells of each request that comes or changes. Whoever makes requests makes them as large as he
   * likes, so nothing of them stays in memory but their versions.
   */
  SharedIndexInformer<CertificateSigningRequest> watch(Consumer<CertificateSigningRequest> seen) {
    SharedIndexInformer<CertificateSigningRequest> informer =
        ours()
            .withLimit(AT_ONCE)
            .runnableInformer(0)
            .removeNamespaceIndex()
            .itemStore(
                new ReducedStateItemStore<>(
                    ReducedStateItemStore.NAME_KEY_STATE,
                    CertificateSigningRequest.class,
                    client.getKubernetesSerialization()))
            .addEventHandler(
                new ResourceEventHandler<>() {
                  @Override
                  public void onAdd(CertificateSigningRequest request) {
                    seen.accept(request);
                  }

                  @Override
                  public void onUpdate(
                      CertificateSigningRequest before, CertificateSigningRequest request) {
                    seen.accept(request);
                  }

                  @Override
                  public void onDelete(CertificateSigningRequest request, boolean isStale) {}
                });
    informer.start();
    return informer;
  }

  /** Handles every request that is there. */
  void handleAll(Authority authority) {
    String next = "";
    do {
      CertificateSigningRequestList page =
          ours().list(new ListOptionsBuilder().withLimit(AT_ONCE).withContinue(next).build());
      page.getItems().forEach(request -> handle(request, authority));
      next = Objects.requireNonNullElse(page.getMetadata().getContinue(), "");
    } while (!next.isEmpty());
  }

  /** Handles a request. */
  void handle(CertificateSigningRequest request, Authority authority) {
    if (!leadership.isLeading()) {
      return;
    }
    try {
      switch (Approval.of(request, sidecarNamespace)) {
        case Approval.Sign sign -> sign(request, sign, authority);
        case Approval.Deny deny -> deny(request, deny);
        case Approval.Leave _ -> {}
      }
    } catch (KubernetesClientException e) {
      retryLater(request, e);
    }
  }

  private void sign(CertificateSigningRequest request, Approval.Sign sign, Authority authority) {
    X509Certificate certificate =
        authority.signSidecar(sign.node(), sign.key(), clock.instant(), sign.life());
    CertificateSigningRequest approved =
        Approval.isApproved(request) ? request : put("approval", with(request, approval(sign)));
    put(
        "status",
        new CertificateSigningRequestBuilder(approved)
            .editOrNewStatus()
            .withCertificate(AuthorityPem.encoded(AuthorityPem.text(certificate)))
            .endStatus()
            .build());
    count("Signed");
    LOG.info(
        "Signed {} for the sidecar of node {}, good until {}",
        name(request),
        sign.node(),
        certificate.getNotAfter().toInstant());
  }

  private static CertificateSigningRequestCondition approval(Approval.Sign sign) {
    return condition(
        "Approved", "SidecarOfNode", "asked for by the sidecar of node %s".formatted(sign.node()));
  }

  /** One that somebody else approved cannot be denied any more, but it is not signed either. */
  private void deny(CertificateSigningRequest request, Approval.Deny deny) {
    String reason = deny.reason().name();
    if (Approval.isApproved(request)) {
      put("status", with(request, condition("Failed", reason, deny.message())));
    } else {
      put("approval", with(request, condition("Denied", reason, deny.message())));
    }
    count("Denied");
    LOG.warn(
        "Denied {} of {}: {}: {}",
        name(request),
        request.getSpec().getUsername(),
        reason,
        deny.message());
  }

  private void retryLater(CertificateSigningRequest request, KubernetesClientException e) {
    switch (e.getCode()) {
      case HttpURLConnection.HTTP_CONFLICT, HttpURLConnection.HTTP_NOT_FOUND ->
          LOG.debug("{} has changed meanwhile: {}", name(request), e.getMessage());
      default -> {
        count("Failed");
        LOG.warn("{} was not handled; it will be tried again", name(request), e);
      }
    }
  }

  private CertificateSigningRequest put(String subresource, CertificateSigningRequest request) {
    return client.resource(request).subresource(subresource).update();
  }

  private static CertificateSigningRequest with(
      CertificateSigningRequest request, CertificateSigningRequestCondition condition) {
    return new CertificateSigningRequestBuilder(request)
        .editOrNewStatus()
        .addToConditions(condition)
        .endStatus()
        .build();
  }

  private static CertificateSigningRequestCondition condition(
      String type, String reason, String message) {
    return new CertificateSigningRequestConditionBuilder()
        .withType(type)
        .withStatus("True")
        .withReason(reason)
        .withMessage(message)
        .build();
  }

  private void count(String outcome) {
    meters.counter("vmcheckpoint.signing.requests", "outcome", outcome).increment();
  }

  private static String name(CertificateSigningRequest request) {
    return "certificate signing request %s".formatted(request.getMetadata().getName());
  }
}
