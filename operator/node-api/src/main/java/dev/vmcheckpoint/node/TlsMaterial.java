package dev.vmcheckpoint.node;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.util.List;

/**
 * What one end shows, and whom it believes.
 *
 * @param identities the preferred one first; several while an authority is being replaced: shown is
 *     the first one that an authority has signed which the peer believes
 * @param authorities whose signatures are believed
 */
public record TlsMaterial(List<Identity> identities, List<X509Certificate> authorities) {
  public TlsMaterial {
    identities = List.copyOf(identities);
    authorities = List.copyOf(authorities);
  }

  /**
   * A certificate and its private key.
   *
   * @param chain own certificate, then those that signed it
   * @param key EC or RSA
   */
  public record Identity(List<X509Certificate> chain, PrivateKey key) {
    /** Found here, a mix-up has a name; found by the peer, it is a failed handshake. */
    public Identity {
      chain = List.copyOf(chain);
      requirePair(key, chain.getFirst().getPublicKey());
    }

    /** The certificate of this end. */
    public X509Certificate own() {
      return chain.getFirst();
    }

    private static void requirePair(PrivateKey key, PublicKey certified) {
      String algorithm =
          switch (certified.getAlgorithm()) {
            case "EC" -> "SHA256withECDSA";
            case "RSA" -> "SHA256withRSA";
            default ->
                throw new IllegalArgumentException(
                    "a key of kind %s; EC and RSA are possible"
                        .formatted(certified.getAlgorithm()));
          };
      try {
        Signature signature = Signature.getInstance(algorithm);
        byte[] sample = "one pair".getBytes(StandardCharsets.US_ASCII);
        signature.initSign(key);
        signature.update(sample);
        byte[] signed = signature.sign();
        signature.initVerify(certified);
        signature.update(sample);
        if (!signature.verify(signed)) {
          throw new IllegalArgumentException("not the key of the certificate");
        }
      } catch (GeneralSecurityException e) {
        throw new IllegalArgumentException(
            "not the key of the certificate: %s".formatted(e.getMessage()), e);
      }
    }
  }
}
