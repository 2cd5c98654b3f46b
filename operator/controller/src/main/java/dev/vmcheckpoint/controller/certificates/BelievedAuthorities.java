package dev.vmcheckpoint.controller.certificates;

import dev.vmcheckpoint.node.Authorities;
import dev.vmcheckpoint.node.Pem;
import dev.vmcheckpoint.node.TlsException;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The authorities that sidecars and operators believe, the present one and earlier ones until they
 * expire, in a ConfigMap of the sidecars' namespace. Safe for use by several threads and processes.
 */
final class BelievedAuthorities {
  /** The most that are kept; the youngest are. */
  static final int MOST = 16;

  private static final int LONGEST_PEM = 16 * 1024;
  private static final Pattern BLOCK =
      Pattern.compile("-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----");

  private final KubernetesClient client;
  private final String namespace;

  /**
   * The authorities of one installation.
   *
   * @param namespace the sidecars' own
   */
  BelievedAuthorities(KubernetesClient client, String namespace) {
    this.client = client;
    this.namespace = namespace;
  }

  /** Those on record, without what is expired, no authority, or cannot be read. */
  List<X509Certificate> read(Instant now) {
    return Optional.ofNullable(configMap()).map(map -> read(map, now)).orElse(List.of());
  }

  /**
   * Sees to it that one is on record, and that nothing is that {@link #read} leaves out.
   *
   * @return those on record then
   */
  List<X509Certificate> publish(X509Certificate present, Instant now) {
    ConfigMap before = configMap();
    List<X509Certificate> wanted =
        Stream.concat(
                Stream.of(present),
                Optional.ofNullable(before).stream()
                    .flatMap(map -> read(map, now).stream())
                    .filter(earlier -> !earlier.equals(present))
                    .sorted(Comparator.comparing(X509Certificate::getNotBefore).reversed()))
            .distinct()
            .limit(MOST)
            .toList();
    String text = wanted.stream().map(AuthorityPem::text).collect(Collectors.joining());
    if (before == null) {
      client
          .resource(
              new ConfigMapBuilder()
                  .withNewMetadata()
                  .withNamespace(namespace)
                  .withName(Authorities.CONFIG_MAP)
                  .endMetadata()
                  .withData(Map.of(Authorities.KEY, text))
                  .build())
          .create();
    } else if (!text.equals(data(before).get(Authorities.KEY))) {
      Map<String, String> data = new HashMap<>(data(before));
      data.put(Authorities.KEY, text);
      client.resource(new ConfigMapBuilder(before).withData(data).build()).update();
    }
    return wanted;
  }

  private @Nullable ConfigMap configMap() {
    return client.configMaps().inNamespace(namespace).withName(Authorities.CONFIG_MAP).get();
  }

  private static Map<String, String> data(ConfigMap map) {
    return Objects.requireNonNullElse(map.getData(), Map.of());
  }

  private static List<X509Certificate> read(ConfigMap map, Instant now) {
    return BLOCK
        .matcher(data(map).getOrDefault(Authorities.KEY, ""))
        .results()
        .map(MatchResult::group)
        .filter(block -> block.length() <= LONGEST_PEM)
        .flatMap(BelievedAuthorities::certificate)
        .filter(AuthorityPem::isAuthority)
        .filter(certificate -> certificate.getNotAfter().toInstant().isAfter(now))
        .toList();
  }

  private static Stream<X509Certificate> certificate(String block) {
    try {
      return Pem.certificates(Authorities.KEY, block).stream();
    } catch (TlsException e) {
      return Stream.empty();
    }
  }
}
