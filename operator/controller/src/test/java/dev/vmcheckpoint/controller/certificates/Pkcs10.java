package dev.vmcheckpoint.controller.certificates;

import dev.vmcheckpoint.node.NodeTls;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.spec.AlgorithmParameterSpec;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.RSAKeyGenParameterSpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.ExtensionsGenerator;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.pkcs.PKCS10CertificationRequest;
import org.bouncycastle.pkcs.PKCS10CertificationRequestBuilder;
import org.bouncycastle.pkcs.jcajce.JcaPKCS10CertificationRequestBuilder;
import org.bouncycastle.util.io.pem.PemObject;
import org.bouncycastle.util.io.pem.PemWriter;

/** A PKCS #10 request as a sidecar makes it, and the ways to make a wrong one. */
final class Pkcs10 {
  private final String name;
  private KeyPair keys = keys("EC", new ECGenParameterSpec("secp256r1"));
  private String algorithm = "SHA256withECDSA";
  private X500Name subject;
  private List<GeneralName> names;
  private final List<Extra> extras = new ArrayList<>();

  private record Extra(ASN1ObjectIdentifier id, ASN1Encodable value) {}

  private Pkcs10(String name) {
    this.name = name;
    subject = new X500Name("CN=" + name);
    names = List.of(dns(name));
  }

  /** As the sidecar of a node makes it. */
  static Pkcs10 ofNode(String node) {
    return new Pkcs10(NodeTls.sidecarName(node));
  }

  static GeneralName dns(String name) {
    return new GeneralName(GeneralName.dNSName, name);
  }

  Pkcs10 subject(String other) {
    subject = new X500Name(other);
    return this;
  }

  Pkcs10 names(GeneralName... others) {
    names = List.of(others);
    return this;
  }

  /** Beside its own name. */
  Pkcs10 andName(GeneralName another) {
    return names(dns(name), another);
  }

  Pkcs10 and(ASN1ObjectIdentifier extension, ASN1Encodable value) {
    extras.add(new Extra(extension, value));
    return this;
  }

  Pkcs10 rsa() {
    keys = keys("RSA", new RSAKeyGenParameterSpec(2048, RSAKeyGenParameterSpec.F4));
    return signedBy("SHA256withRSA");
  }

  Pkcs10 curve(String other) {
    keys = keys("EC", new ECGenParameterSpec(other));
    return this;
  }

  Pkcs10 signedBy(String other) {
    algorithm = other;
    return this;
  }

  PrivateKey key() {
    return keys.getPrivate();
  }

  PublicKey publicKey() {
    return keys.getPublic();
  }

  /** PEM in base64, as {@code spec.request} holds it. */
  String encoded() {
    return encoded(keys.getPrivate());
  }

  /** The same, signed by somebody who does not have the key. */
  String forged() {
    return encoded(keys("EC", new ECGenParameterSpec("secp256r1")).getPrivate());
  }

  private String encoded(PrivateKey signing) {
    try {
      PKCS10CertificationRequestBuilder builder =
          new JcaPKCS10CertificationRequestBuilder(subject, keys.getPublic());
      ExtensionsGenerator extensions = new ExtensionsGenerator();
      if (!names.isEmpty()) {
        extensions.addExtension(
            Extension.subjectAlternativeName,
            false,
            new GeneralNames(names.toArray(new GeneralName[0])));
      }
      for (Extra extra : extras) {
        extensions.addExtension(extra.id(), true, extra.value());
      }
      if (!extensions.isEmpty()) {
        builder.addAttribute(
            PKCSObjectIdentifiers.pkcs_9_at_extensionRequest, extensions.generate());
      }
      PKCS10CertificationRequest request =
          builder.build(new JcaContentSignerBuilder(algorithm).build(signing));
      return pem(request.getEncoded());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (OperatorCreationException e) {
      throw new IllegalStateException("while signing a request", e);
    }
  }

  /** Any bytes in the form of a request. */
  static String pem(byte[] content) {
    StringWriter text = new StringWriter();
    try (PemWriter writer = new PemWriter(text)) {
      writer.writeObject(new PemObject("CERTIFICATE REQUEST", content));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return base64(text.toString());
  }

  static String base64(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.US_ASCII));
  }

  private static KeyPair keys(String kind, AlgorithmParameterSpec spec) {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance(kind);
      generator.initialize(spec);
      return generator.generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("while making keys", e);
    }
  }
}
