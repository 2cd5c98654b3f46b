package dev.vmcheckpoint.controller.certificates;

import dev.vmcheckpoint.api.WellKnown;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.SecretBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The authority, in a Secret of the operator's namespace. One that the operator has made carries
 * its label, and is made anew in time; any other one is its owner's and only read. To be used by
 * one thread.
 */
final class AuthorityStore {
  /** The Secret's name. */
  static final String SECRET = "vmcheckpoint-authority";

  static final String MANAGED_BY = WellKnown.GROUP + "/managed-by";
  static final String OPERATOR = "operator";

  private static final Logger LOG = LoggerFactory.getLogger(AuthorityStore.class);
  private static final String TYPE = "kubernetes.io/tls";
  private static final String CERTIFICATE = "tls.crt";
  private static final String KEY = "tls.key";

  private final KubernetesClient client;
  private final String namespace;
  private final Duration life;
  private final BiConsumer<HasMetadata, String> refused;
  private String lastRefused = "";
  private String lastUnwritten = "";

  /**
   * The authority of one installation.
   *
   * @param namespace the operator's own
   * @param life how long an authority is good that the operator makes
   * @param refused told once of a Secret that cannot be used, and why
   */
  AuthorityStore(
      KubernetesClient client,
      String namespace,
      Duration life,
      BiConsumer<HasMetadata, String> refused) {
    this.client = client;
    this.namespace = namespace;
    this.life = life;
    this.refused = refused;
  }

  /**
   * The authority that is there; empty where there is none that can be used.
   *
   * @throws io.fabric8.kubernetes.client.KubernetesClientException if it cannot be read
   */
  Optional<Authority> read(Instant now) {
    return Optional.ofNullable(secret()).flatMap(secret -> usable(secret, now));
  }

  /**
   * The same for the leader, who makes one where there is none, or where the operator's own has two
   * thirds of its life behind it. Each write is about the version that was read. Where it fails,
   * one that is still good stays.
   *
   * @throws KubernetesClientException if it cannot be read
   */
  Optional<Authority> readOrMake(Instant now) {
    Optional<Secret> secret = Optional.ofNullable(secret());
    Optional<Authority> usable = secret.flatMap(there -> usable(there, now));
    boolean isDue = usable.map(authority -> authority.isDue(now)).orElse(true);
    boolean isOursToMake = secret.map(AuthorityStore::isOurs).orElse(true);
    return isDue && isOursToMake ? madeOr(usable, secret, now) : usable;
  }

  private Optional<Authority> madeOr(
      Optional<Authority> usable, Optional<Secret> before, Instant now) {
    try {
      Authority made = make(now, before);
      lastUnwritten = "";
      return Optional.of(made);
    } catch (KubernetesClientException e) {
      isUnwritten(usable, e);
      return usable;
    }
  }

  private void isUnwritten(Optional<Authority> usable, KubernetesClientException e) {
    String message =
        "A new authority could not be written to Secret %s/%s; it will be tried again. %s: %s"
            .formatted(
                namespace,
                SECRET,
                usable
                    .map(authority -> "Used meanwhile is the %s".formatted(authority))
                    .orElse("Nothing is signed, as there is none that can be used"),
                e.getMessage());
    if (!message.equals(lastUnwritten)) {
      lastUnwritten = message;
      LOG.warn("{}", message);
    }
  }

  private @Nullable Secret secret() {
    return client.secrets().inNamespace(namespace).withName(SECRET).get();
  }

  private static boolean isOurs(Secret secret) {
    return OPERATOR.equals(
        Objects.requireNonNullElse(secret.getMetadata().getLabels(), Map.of()).get(MANAGED_BY));
  }

  private Optional<Authority> usable(Secret secret, Instant now) {
    try {
      Authority read = AuthorityPem.read(text(secret, CERTIFICATE), text(secret, KEY), now);
      lastRefused = "";
      return Optional.of(read);
    } catch (AuthorityException e) {
      if (!isOurs(secret)) {
        refuse(secret, String.valueOf(e.getMessage()));
      }
      return Optional.empty();
    }
  }

  private void refuse(Secret secret, String why) {
    String message =
        "Secret %s/%s is not used, nothing is signed: %s. Put the certificate and key of an"
                .formatted(namespace, SECRET, why)
            + " authority there, or delete the Secret, and the operator makes one.";
    if (!message.equals(lastRefused)) {
      lastRefused = message;
      LOG.error("{}", message);
      refused.accept(secret, message);
    }
  }

  private static String text(Secret secret, String key) throws AuthorityException {
    String encoded =
        Objects.requireNonNullElse(secret.getData(), Map.<String, String>of()).get(key);
    if (encoded == null) {
      throw new AuthorityException("it has no " + key);
    }
    return new String(Base64.getDecoder().decode(encoded), StandardCharsets.ISO_8859_1);
  }

  private Authority make(Instant now, Optional<Secret> before) {
    Authority made = Authority.create(now, life);
    Secret secret =
        before
            .map(SecretBuilder::new)
            .orElseGet(
                () ->
                    new SecretBuilder()
                        .withType(TYPE)
                        .withNewMetadata()
                        .withNamespace(namespace)
                        .withName(SECRET)
                        .addToLabels(MANAGED_BY, OPERATOR)
                        .endMetadata())
            .withData(
                Map.of(
                    CERTIFICATE, AuthorityPem.encoded(AuthorityPem.text(made.certificate())),
                    KEY, AuthorityPem.encoded(AuthorityPem.text(made.key()))))
            .build();
    if (before.isPresent()) {
      client.resource(secret).update();
    } else {
      client.resource(secret).create();
    }
    LOG.info("Made the {}, in Secret {}/{}", made, namespace, SECRET);
    return made;
  }
}
