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
import dev.vmcheckpoint.installation.fixture.Installed;
import dev.vmcheckpoint.installation.fixture.Manifest;
import io.fabric8.certmanager.api.model.v1.Certificate;
import io.fabric8.certmanager.api.model.v1.CertificateSpec;
import io.fabric8.certmanager.api.model.v1.Issuer;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinitionBuilder;
import java.io.IOException;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * What cert-manager is asked for is an authority that the operator can use. cert-manager itself is
 * not there: its types say what its resources may hold.
 */
class CertManagerIT {
  @RegisterExtension static final Installed CLUSTER = new Installed();

  private static final String OVERLAY = "overlays/cert-manager";
  private static final String AUTHORITY = "Certificate vmcheckpoint-system/vmcheckpoint-authority";
  private static final String GROUP = "cert-manager.io/v1";
  private static final Map<String, Class<?>> TYPES =
      Map.of("Certificate", Certificate.class, "Issuer", Issuer.class);

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
    define("Issuer", "issuers", "Namespaced");
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

  @Test
  void theOverlayIsTheBaseAndWhatCertManagerIsAskedFor() {
    Manifest base = CLUSTER.objects(CLUSTER.kustomized("base"));

    assertThat(
            objects().filter(object -> !isForCertManager(object)).filter(object -> !isRole(object)))
        .containsExactlyInAnyOrderElementsOf(
            base.objects().values().stream().filter(object -> !isRole(object)).toList());
  }

  @Test
  void everyResourceHoldsOnlyWhatItsTypeNames() {
    assertThat(objects().filter(CertManagerIT::isForCertManager))
        .hasSize(2)
        .allSatisfy(
            object -> {
              Class<?> type = TYPES.get(object.get("kind").asText());
              assertThatCode(() -> STRICT.convertValue(object, type)).doesNotThrowAnyException();
            });
  }

  @Test
  void aTypeRefusesWhatItDoesNotName() {
    ObjectNode misspelt = convert(AUTHORITY, ObjectNode.class);
    ((ObjectNode) misspelt.at("/spec")).put("secretname", "vmcheckpoint-authority");

    assertThatThrownBy(() -> STRICT.convertValue(misspelt, Certificate.class))
        .hasMessageContaining("secretname");
  }

  @Test
  void theAuthorityIsOneThatTheOperatorCanUse() {
    CertificateSpec asked = convert(AUTHORITY, Certificate.class).getSpec();

    assertThat(asked.getIsCA()).isTrue();
    assertThat(asked.getSecretName()).isEqualTo("vmcheckpoint-authority");
    assertThat(asked.getPrivateKey().getEncoding()).isEqualTo("PKCS8");
    assertThat(asked.getPrivateKey().getRotationPolicy()).isEqualTo("Never");
  }

  @Test
  void theOperatorMayReadTheAuthorityAndCannotMakeOneBeforeCertManagerDoes() throws IOException {
    assertThat(
            overlay().get("Role vmcheckpoint-system/vmcheckpoint-operator-authority").at("/rules"))
        .isEqualTo(
            STRICT.readTree(
                """
                [{"apiGroups": [""],
                  "resources": ["secrets"],
                  "resourceNames": ["vmcheckpoint-authority"],
                  "verbs": ["get"]}]
                """));
  }

  private static Manifest overlay() {
    return CLUSTER.objects(CLUSTER.kustomized(OVERLAY));
  }

  private static Stream<JsonNode> objects() {
    return overlay().objects().values().stream();
  }

  /** Of the operator's rights on the authority. */
  private static boolean isRole(JsonNode object) {
    return object.get("kind").asText().equals("Role")
        && object.at("/metadata/name").asText().equals("vmcheckpoint-operator-authority");
  }

  private static boolean isForCertManager(JsonNode object) {
    return object.get("apiVersion").asText().equals(GROUP);
  }

  private static <T> T convert(String name, Class<T> type) {
    return STRICT.convertValue(overlay().get(name), type);
  }
}
