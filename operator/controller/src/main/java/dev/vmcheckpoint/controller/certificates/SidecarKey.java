package dev.vmcheckpoint.controller.certificates;

import dev.vmcheckpoint.controller.certificates.Approval.Reason;
import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.PublicKey;
import java.util.Base64;
import java.util.List;
import java.util.stream.Stream;
import org.bouncycastle.asn1.sec.SECObjectIdentifiers;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.Extensions;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x9.X9ObjectIdentifiers;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentVerifierProviderBuilder;
import org.bouncycastle.pkcs.PKCSException;
import org.bouncycastle.pkcs.jcajce.JcaPKCS10CertificationRequest;
import org.bouncycastle.util.io.pem.PemObject;
import org.bouncycastle.util.io.pem.PemReader;
import org.jspecify.annotations.Nullable;

/**
 * The key that a PKCS #10 request (RFC 2986) is about. Nothing else of it goes into a certificate;
 * the rest has to be as expected nevertheless, so that nobody is given less than he asked for.
 */
final class SidecarKey {
  private SidecarKey() {}

  /**
   * Reads and checks a request.
   *
   * @param request PEM in base64, as {@code spec.request} holds it
   * @param name the one DNS name that it may be for
   * @throws DeniedException what is wrong with it
   */
  static PublicKey of(String request, String name) throws DeniedException {
    try {
      JcaPKCS10CertificationRequest parsed = new JcaPKCS10CertificationRequest(der(request));
      PublicKey key = key(parsed);
      requireSignature(parsed, key);
      requireSubject(parsed.getSubject(), name);
      requireExtensions(parsed.getRequestedExtensions(), name);
      return key;
    } catch (IOException | RuntimeException e) {
      // Malformed parts are unchecked exceptions of the parser, of many kinds.
      throw new DeniedException(Reason.Unreadable, "the request is not PKCS #10 in PEM");
    }
  }

  private static byte[] der(String request) throws IOException, DeniedException {
    String pem = new String(Base64.getDecoder().decode(request), StandardCharsets.US_ASCII);
    try (PemReader reader = new PemReader(new StringReader(pem))) {
      @Nullable PemObject object = reader.readPemObject();
      if (object == null || !object.getType().equals("CERTIFICATE REQUEST")) {
        throw new DeniedException(
            Reason.Unreadable, "the request holds no PEM block 'CERTIFICATE REQUEST'");
      }
      return object.getContent();
    }
  }

  private static PublicKey key(JcaPKCS10CertificationRequest request) throws DeniedException {
    AlgorithmIdentifier kind = request.getSubjectPublicKeyInfo().getAlgorithm();
    if (!kind.getAlgorithm().equals(X9ObjectIdentifiers.id_ecPublicKey)
        || !SECObjectIdentifiers.secp256r1.equals(kind.getParameters())) {
      throw new DeniedException(Reason.WrongKey, "the key has to be an EC key on the curve P-256");
    }
    try {
      return request.getPublicKey();
    } catch (GeneralSecurityException e) {
      throw new DeniedException(Reason.WrongKey, "the key is not a point of the curve P-256");
    }
  }

  /** Only who has the private key can have made it. */
  private static void requireSignature(JcaPKCS10CertificationRequest request, PublicKey key)
      throws DeniedException {
    if (!request
        .getSignatureAlgorithm()
        .getAlgorithm()
        .equals(X9ObjectIdentifiers.ecdsa_with_SHA256)) {
      throw new DeniedException(
          Reason.WrongSignature, "the request has to be signed by SHA256withECDSA");
    }
    if (!isSigned(request, key)) {
      throw new DeniedException(
          Reason.WrongSignature, "the request is not signed by the key that it is about");
    }
  }

  private static boolean isSigned(JcaPKCS10CertificationRequest request, PublicKey key) {
    try {
      return request.isSignatureValid(new JcaContentVerifierProviderBuilder().build(key));
    } catch (PKCSException | OperatorCreationException e) {
      return false;
    }
  }

  private static void requireSubject(X500Name subject, String name) throws DeniedException {
    if (!Authority.name(name).equals(subject)) {
      throw new DeniedException(
          Reason.WrongName, "the subject has to be CN=%s, after the token's node".formatted(name));
    }
  }

  private static void requireExtensions(@Nullable Extensions extensions, String name)
      throws DeniedException {
    if (extensions == null) {
      throw wrongNames(name);
    }
    BasicConstraints constraints = BasicConstraints.fromExtensions(extensions);
    if (constraints != null && constraints.isCA()) {
      throw new DeniedException(
          Reason.WrongExtensions, "a sidecar's certificate is not one of an authority");
    }
    if (Stream.of(extensions.getExtensionOIDs())
        .anyMatch(id -> !id.equals(Extension.subjectAlternativeName))) {
      throw new DeniedException(
          Reason.WrongExtensions,
          "the request asks for extensions other than a subject alternative name");
    }
    GeneralName only = new GeneralName(GeneralName.dNSName, name);
    GeneralNames asked = GeneralNames.fromExtensions(extensions, Extension.subjectAlternativeName);
    if (!List.of(asked.getNames()).equals(List.of(only))) {
      throw wrongNames(name);
    }
  }

  private static DeniedException wrongNames(String name) {
    return new DeniedException(
        Reason.WrongName,
        "the only subject alternative name has to be DNS:%s, after the token's node"
            .formatted(name));
  }
}
