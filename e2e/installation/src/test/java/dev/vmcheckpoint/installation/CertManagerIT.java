package dev.vmcheckpoint.installation;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.vmcheckpoint.api.fixture.ApiServer.Outcome;
import dev.vmcheckpoint.installation.fixture.Installed;
import dev.vmcheckpoint.installation.fixture.Manifest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What cert-manager is asked for is an authority that the operator can use. cert-manager itself is
 * not there, but its own definitions are: by them the API server says what its resources may hold.
 */
class CertManagerIT {
  @RegisterExtension static final Installed CLUSTER = new Installed();

  private static final String OVERLAY = "overlays/cert-manager";
  private static final String AUTHORITY = "Certificate vmcheckpoint-system/vmcheckpoint-authority";
  private static final String GROUP = "cert-manager.io/v1";

  @BeforeAll
  static void makeItsKindsKnown() {
    Path folder = Installed.certManagerDefinitions();
    Outcome outcome =
        CLUSTER.kubectl(
            "apply",
            "--server-side",
            "-f",
            folder.resolve("cert-manager.io_certificates.yaml").toString(),
            "-f",
            folder.resolve("cert-manager.io_issuers.yaml").toString());
    assertThat(outcome.status()).as(outcome.output()).isZero();
    Installed.until(
        "cert-manager's kinds",
        () ->
            Stream.of("certificates", "issuers")
                .map(
                    plural ->
                        CLUSTER.kubectl("get", plural + ".cert-manager.io", "--all-namespaces"))
                .allMatch(list -> list.output().contains("No resources found")));
  }

  @Test
  void theOverlayIsAcceptedWithoutAWarning() {
    Outcome outcome = CLUSTER.applyOnTrial(CLUSTER.kustomized(OVERLAY));

    assertThat(outcome.output())
        .contains("certificate.cert-manager.io/vmcheckpoint-authority serverside-applied")
        .contains("issuer.cert-manager.io/vmcheckpoint-self-signed serverside-applied")
        .endsWith("(server dry run)\n")
        .doesNotContain("Warning");
    assertThat(outcome.status()).isZero();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          secretName:           | secretname:          | .spec.secretname: field not declared in schema
          rotationPolicy: Never | rotationPolicy: Once | Unsupported value: "Once"
          selfSigned: {}        | selfsigned: {}       | .spec.selfsigned: field not declared in schema
          """)
  void whatItsDefinitionsDoNotKnowIsRefused(String right, String wrong, String answer)
      throws IOException {
    String overlay = Files.readString(CLUSTER.kustomized(OVERLAY));
    assertThat(overlay).contains(right);

    Outcome outcome = CLUSTER.applyOnTrial(CLUSTER.file(overlay.replace(right, wrong)));

    assertThat(outcome.output()).contains(answer);
    assertThat(outcome.status()).isNotZero();
  }

  @Test
  void theOverlayIsTheBaseAndWhatCertManagerIsAskedFor() {
    Manifest base = CLUSTER.objects(CLUSTER.kustomized("base"));

    assertThat(
            objects().filter(object -> !isForCertManager(object)).filter(object -> !isRole(object)))
        .containsExactlyInAnyOrderElementsOf(
            base.objects().values().stream().filter(object -> !isRole(object)).toList());
    assertThat(objects().filter(CertManagerIT::isForCertManager)).hasSize(2);
  }

  @Test
  void theAuthorityIsOneThatTheOperatorCanUse() {
    JsonNode asked = overlay().get(AUTHORITY).at("/spec");

    assertThat(asked.at("/isCA").asBoolean()).isTrue();
    assertThat(asked.at("/secretName").asText()).isEqualTo("vmcheckpoint-authority");
    assertThat(asked.at("/privateKey/encoding").asText()).isEqualTo("PKCS8");
    assertThat(asked.at("/privateKey/rotationPolicy").asText()).isEqualTo("Never");
  }

  @Test
  void theOperatorMayReadTheAuthorityAndCannotMakeOneBeforeCertManagerDoes() throws IOException {
    assertThat(
            overlay().get("Role vmcheckpoint-system/vmcheckpoint-operator-authority").at("/rules"))
        .isEqualTo(
            new ObjectMapper()
                .readTree(
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
}
