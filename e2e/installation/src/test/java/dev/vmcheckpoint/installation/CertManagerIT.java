package dev.vmcheckpoint.installation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.introspect.Annotated;
import com.fasterxml.jackson.databind.introspect.JacksonAnnotationIntrospector;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.vmcheckpoint.api.fixture.ApiServer.Outcome;
import dev.vmcheckpoint.installation.fixture.Installed;
import dev.vmcheckpoint.installation.fixture.Manifest;
import io.fabric8.certmanager.api.model.v1.Certificate;
import io.fabric8.certmanager.api.model.v1.CertificateSpec;
import io.fabric8.certmanager.api.model.v1.ClusterIssuer;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinitionBuilder;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.interfaces.ECPublicKey;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What cert-manager is asked for is what {@code manifests/tls/create-secrets} makes. cert-manager
 * itself is not there: its types say what its resources may hold.
 */
class CertManagerIT {
  @RegisterExtension static final Installed CLUSTER = new Installed();

  private static final String OVERLAY = "overlays/cert-manager";
  private static final String GROUP = "cert-manager.io/v1";
  private static final Map<String, Class<?>> TYPES =
      Map.of("Certificate", Certificate.class, "ClusterIssuer", ClusterIssuer.class);

  /** Takes nothing that the types do not name. */
  private static final ObjectMapper STRICT =
      new ObjectMapper()
          .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .setAnnotationIntrospector(
              new JacksonAnnotationIntrospector() {
                private static final long serialVersionUID = 1;

                @Override
                public Boolean hasAnySetter(Annotated annotated) {
                  return false;
                }
              });

  @BeforeAll
  static void makeItsKindsKnown() {
    define("Certificate", "certificates", "Namespaced");
    define("ClusterIssuer", "clusterissuers", "Cluster");
  }

  /** Without its schema, for kubectl to find; the types are what says more. */
  private static void define(String kind, String plural, String scope) {
    CustomResourceDefinition definition =
        new CustomResourceDefinitionBuilder()
            .withNewMetadata()
            .withName(plural + ".cert-manager.io")
            .endMetadata()
            .withNewSpec()
            .withGroup("cert-manager.io")
            .withScope(scope)
            .withNewNames()
            .withKind(kind)
            .withPlural(plural)
            .endNames()
            .addNewVersion()
            .withName("v1")
            .withServed(true)
            .withStorage(true)
            .withNewSchema()
            .withNewOpenAPIV3Schema()
            .withType("object")
            .withXKubernetesPreserveUnknownFields(true)
            .endOpenAPIV3Schema()
            .endSchema()
            .endVersion()
            .endSpec()
            .build();
    CLUSTER.admin().resource(definition).create();
    Installed.until(
        "the kind " + kind,
        () ->
            CLUSTER
                .kubectl("get", plural + ".cert-manager.io", "--all-namespaces")
                .output()
                .contains("No resources found"));
  }

  @BeforeAll
  static void createSecrets() {
    Outcome outcome =
        CLUSTER.run(Installed.MANIFESTS.resolve("tls/create-secrets").toAbsolutePath());
    assertThat(outcome.status()).as(outcome.output()).isZero();
  }

  @Test
  void theOverlayIsTheBaseAndWhatCertManagerIsAskedFor() {
    Manifest base = CLUSTER.objects(CLUSTER.kustomized("base"));

    assertThat(objects().filter(object -> !isForCertManager(object)))
        .containsExactlyInAnyOrderElementsOf(base.objects().values());
  }

  @Test
  void everyResourceHoldsOnlyWhatItsTypeNames() {
    assertThat(objects().filter(CertManagerIT::isForCertManager))
        .hasSize(5)
        .allSatisfy(
            object -> {
              Class<?> type = TYPES.get(object.get("kind").asText());
              assertThatCode(() -> STRICT.convertValue(object, type)).doesNotThrowAnyException();
            });
  }

  @Test
  void aTypeRefusesWhatItDoesNotName() {
    ObjectNode misspelt = convert("ClusterIssuer /vmcheckpoint-ca", ObjectNode.class);
    ((ObjectNode) misspelt.at("/spec/ca")).put("secretname", "vmcheckpoint-ca");

    assertThatThrownBy(() -> STRICT.convertValue(misspelt, ClusterIssuer.class))
        .hasMessageContaining("secretname");
  }

  @ParameterizedTest
  @CsvSource({
    // RFC 5280, 4.2.1.12
    "vmcheckpoint-operator, vmcheckpoint-system, client auth, 1.3.6.1.5.5.7.3.2",
    "vmcheckpoint-sidecar, vmcheckpoint-node, server auth, 1.3.6.1.5.5.7.3.1"
  })
  void isAskedForAsCreateSecretsMakesIt(
      String name, String namespace, String usage, String extendedKeyUsage)
      throws CertificateException {
    CertificateSpec asked = certificate(namespace, name).getSpec();
    Secret made =
        CLUSTER.admin().secrets().inNamespace(namespace).withName(asked.getSecretName()).require();
    X509Certificate certificate = certificate(made);

    assertThat(made.getData()).containsOnlyKeys("tls.crt", "tls.key", "ca.crt");
    assertThat(certificate.getSubjectX500Principal().getName())
        .isEqualTo("CN=" + asked.getCommonName());
    assertThat(certificate.getSubjectAlternativeNames())
        .extracting(each -> each.getLast())
        .isEqualTo(List.copyOf(asked.getDnsNames()));
    assertThat(certificate.getExtendedKeyUsage()).containsExactly(extendedKeyUsage);
    assertThat(asked.getUsages()).containsExactly("digital signature", usage);
    assertThat(certificate.getKeyUsage()).startsWith(true, false);
    assertThat(asked.getPrivateKey().getAlgorithm()).isEqualTo("ECDSA");
    assertThat(((ECPublicKey) certificate.getPublicKey()).getParams().getOrder().bitLength())
        .isEqualTo(asked.getPrivateKey().getSize());
    assertThat(text(made, "tls.key")).startsWith("-----BEGIN PRIVATE KEY-----");
    assertThat(asked.getPrivateKey().getEncoding()).isEqualTo("PKCS8");
  }

  @Test
  void oneAuthoritySignsBoth() {
    CertificateSpec authority = certificate("cert-manager", "vmcheckpoint-ca").getSpec();
    ClusterIssuer issuer = convert("ClusterIssuer /vmcheckpoint-ca", ClusterIssuer.class);

    assertThat(authority.getIsCA()).isTrue();
    assertThat(issuer.getSpec().getCa().getSecretName()).isEqualTo(authority.getSecretName());
    assertThat(
            Stream.of(
                certificate("vmcheckpoint-system", "vmcheckpoint-operator"),
                certificate("vmcheckpoint-node", "vmcheckpoint-sidecar")))
        .allSatisfy(
            signed -> {
              assertThat(signed.getSpec().getIssuerRef().getKind()).isEqualTo("ClusterIssuer");
              assertThat(signed.getSpec().getIssuerRef().getName())
                  .isEqualTo(issuer.getMetadata().getName());
            });
  }

  @Test
  void theProgramsMountWhatIsMade() {
    assertThat(
            Stream.of(
                "Deployment vmcheckpoint-system/vmcheckpoint-operator",
                "DaemonSet vmcheckpoint-node/vmcheckpoint-sidecar"))
        .extracting(
            name ->
                overlay()
                    .get(name)
                    .at("/spec/template/spec/volumes")
                    .findValue("secretName")
                    .asText())
        .containsExactly(
            certificate("vmcheckpoint-system", "vmcheckpoint-operator").getSpec().getSecretName(),
            certificate("vmcheckpoint-node", "vmcheckpoint-sidecar").getSpec().getSecretName());
  }

  private static Manifest overlay() {
    return CLUSTER.objects(CLUSTER.kustomized(OVERLAY));
  }

  private static Stream<JsonNode> objects() {
    return overlay().objects().values().stream();
  }

  private static boolean isForCertManager(JsonNode object) {
    return object.get("apiVersion").asText().equals(GROUP);
  }

  private static Certificate certificate(String namespace, String name) {
    return convert("Certificate %s/%s".formatted(namespace, name), Certificate.class);
  }

  private static <T> T convert(String name, Class<T> type) {
    return STRICT.convertValue(overlay().get(name), type);
  }

  private static X509Certificate certificate(Secret secret) throws CertificateException {
    return (X509Certificate)
        CertificateFactory.getInstance("X.509")
            .generateCertificate(
                new ByteArrayInputStream(
                    text(secret, "tls.crt").getBytes(StandardCharsets.US_ASCII)));
  }

  private static String text(Secret secret, String key) {
    return new String(
        Base64.getDecoder().decode(secret.getData().get(key)), StandardCharsets.US_ASCII);
  }
}
