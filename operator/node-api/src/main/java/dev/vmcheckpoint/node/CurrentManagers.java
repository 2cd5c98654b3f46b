package dev.vmcheckpoint.node;

import java.net.Socket;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.IntStream;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedKeyManager;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;

/**
 * Shows the identity, and believes the authorities, that a source has at the time of a handshake.
 * Safe for use by several threads.
 */
final class CurrentManagers extends X509ExtendedKeyManager {
  private static final int MOST_REMEMBERED = 8;

  private final TlsSource source;
  private final LinkedHashMap<String, TlsMaterial.Identity> chosen = new LinkedHashMap<>();
  private volatile @Nullable Trust trust;

  private record Trust(List<X509Certificate> authorities, X509TrustManager manager) {}

  CurrentManagers(TlsSource source) {
    this.source = source;
  }

  /** Believes the authorities of this moment. */
  X509TrustManager trust() {
    List<X509Certificate> authorities = source.current().authorities();
    Trust known = trust;
    if (known == null || !known.authorities().equals(authorities)) {
      known = new Trust(authorities, managerOf(authorities));
      trust = known;
    }
    return known.manager();
  }

  private static X509TrustManager managerOf(List<X509Certificate> authorities) {
    return authorities.isEmpty() ? new NoTrust() : Authorities.trustManager(authorities);
  }

  @Override
  public @Nullable String chooseEngineClientAlias(
      String[] keyTypes, Principal @Nullable [] issuers, @Nullable SSLEngine engine) {
    return alias(Set.copyOf(List.of(keyTypes)), issuers);
  }

  @Override
  public @Nullable String chooseEngineServerAlias(
      String keyType, Principal @Nullable [] issuers, @Nullable SSLEngine engine) {
    return alias(Set.of(keyType), issuers);
  }

  @Override
  public @Nullable String chooseClientAlias(
      String[] keyTypes, Principal @Nullable [] issuers, @Nullable Socket socket) {
    return alias(Set.copyOf(List.of(keyTypes)), issuers);
  }

  @Override
  public @Nullable String chooseServerAlias(
      String keyType, Principal @Nullable [] issuers, @Nullable Socket socket) {
    return alias(Set.of(keyType), issuers);
  }

  /** The peer names the authorities that it believes (RFC 8446, 4.2.4); none means any. */
  private @Nullable String alias(Set<String> keyTypes, Principal @Nullable [] issuers) {
    List<TlsMaterial.Identity> identities = source.current().identities();
    // Two authorities of one name are named twice.
    Set<Principal> believed = issuers == null ? Set.of() : Set.copyOf(List.of(issuers));
    OptionalInt first =
        IntStream.range(0, identities.size())
            .filter(i -> keyTypes.contains(identities.get(i).key().getAlgorithm()))
            .filter(i -> believed.isEmpty() || isSignedBy(identities.get(i), believed))
            .findFirst();
    return first.isPresent() ? remember(identities.get(first.getAsInt())) : null;
  }

  private static boolean isSignedBy(TlsMaterial.Identity identity, Set<Principal> issuers) {
    return identity.chain().stream()
        .anyMatch(certificate -> issuers.contains(certificate.getIssuerX500Principal()));
  }

  /** The JDK asks for the rest by that alias, when the source may have another one already. */
  private String remember(TlsMaterial.Identity identity) {
    String alias =
        identity.own().getIssuerX500Principal().getName() + " " + identity.own().getSerialNumber();
    synchronized (chosen) {
      chosen.remove(alias);
      chosen.put(alias, identity);
      if (chosen.size() > MOST_REMEMBERED) {
        chosen.pollFirstEntry();
      }
    }
    return alias;
  }

  private TlsMaterial.@Nullable Identity remembered(@Nullable String alias) {
    synchronized (chosen) {
      return chosen.get(alias);
    }
  }

  @Override
  public X509Certificate @Nullable [] getCertificateChain(@Nullable String alias) {
    TlsMaterial.Identity identity = remembered(alias);
    return identity == null ? null : identity.chain().toArray(new X509Certificate[0]);
  }

  @Override
  public @Nullable PrivateKey getPrivateKey(@Nullable String alias) {
    TlsMaterial.Identity identity = remembered(alias);
    return identity == null ? null : identity.key();
  }

  @Override
  public String @Nullable [] getClientAliases(String keyType, Principal @Nullable [] issuers) {
    return aliases(keyType, issuers);
  }

  @Override
  public String @Nullable [] getServerAliases(String keyType, Principal @Nullable [] issuers) {
    return aliases(keyType, issuers);
  }

  private String @Nullable [] aliases(String keyType, Principal @Nullable [] issuers) {
    String alias = alias(Set.of(keyType), issuers);
    return alias == null ? null : new String[] {alias};
  }
}
