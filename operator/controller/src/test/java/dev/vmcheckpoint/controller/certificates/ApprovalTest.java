package dev.vmcheckpoint.controller.certificates;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.controller.certificates.Approval.Reason;
import dev.vmcheckpoint.node.NodeTls;
import io.fabric8.kubernetes.api.model.certificates.v1.CertificateSigningRequest;
import io.fabric8.kubernetes.api.model.certificates.v1.CertificateSigningRequestBuilder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Who is given a sidecar's certificate, and every way not to be. */
final class ApprovalTest {
  private static final String NODE = "node-1";
  private static final String NAMESPACE = "vmcheckpoint-node";

  private final Pkcs10 pkcs10 = Pkcs10.ofNode(NODE);

  private CertificateSigningRequestBuilder request() {
    return request(pkcs10.encoded());
  }

  private static CertificateSigningRequestBuilder request(String encoded) {
    return new CertificateSigningRequestBuilder()
        .withNewMetadata()
        .withName("vmcheckpoint-sidecar-x7k2p")
        .endMetadata()
        .withNewSpec()
        .withSignerName("vmcheckpoint.dev/sidecar")
        .withUsername("system:serviceaccount:vmcheckpoint-node:vmcheckpoint-sidecar")
        .addToExtra("authentication.kubernetes.io/node-name", List.of(NODE))
        .withUsages("digital signature", "server auth")
        .withExpirationSeconds(86_400)
        .withRequest(encoded)
        .endSpec();
  }

  private static Approval of(CertificateSigningRequestBuilder request) {
    return Approval.of(request.build(), NAMESPACE);
  }

  private static void assertDenied(
      CertificateSigningRequestBuilder request, Reason reason, String words) {
    assertThat(of(request))
        .isInstanceOfSatisfying(
            Approval.Deny.class,
            deny -> {
              assertThat(deny.reason()).isEqualTo(reason);
              assertThat(deny.message()).contains(words);
            });
  }

  private void assertDenied(Reason reason, String words) {
    assertDenied(request(), reason, words);
  }

  @Test
  void aSidecarIsGivenOneForItsNode() {
    assertThat(of(request()))
        .isEqualTo(new Approval.Sign(NODE, pkcs10.publicKey(), Duration.ofHours(24)));
  }

  @ParameterizedTest
  @CsvSource({"600, 600", "3600, 3600", "10, 600", "90000, 86400"})
  void itsLifeIsWhatWasAskedForBetweenTenMinutesAndADay(int asked, int given) {
    assertThat(of(request().editSpec().withExpirationSeconds(asked).endSpec()))
        .isEqualTo(new Approval.Sign(NODE, pkcs10.publicKey(), Duration.ofSeconds(given)));
  }

  @Test
  void withoutAWishItsLifeIsADay() {
    assertThat(of(request().editSpec().withExpirationSeconds(null).endSpec()))
        .isEqualTo(new Approval.Sign(NODE, pkcs10.publicKey(), Duration.ofHours(24)));
  }

  @Test
  void aNodeWithALongNameIsGivenOneAsWell() {
    String node = "ip-192-168-121-134.eu-central-1.compute.internal." + "x".repeat(150);

    assertThat(
            of(
                request(Pkcs10.ofNode(node).encoded())
                    .editSpec()
                    .withExtra(Map.of(Approval.NODE_CLAIM, List.of(node)))
                    .endSpec()))
        .isInstanceOf(Approval.Sign.class);
  }

  @Test
  void anotherSignersRequestIsLeftAlone() {
    assertThat(of(request().editSpec().withSignerName("kubernetes.io/kubelet-serving").endSpec()))
        .isEqualTo(new Approval.Leave());
  }

  @ParameterizedTest
  @ValueSource(strings = {"Denied", "Failed"})
  void whatWasRefusedIsLeftAlone(String type) {
    assertThat(of(withCondition(type))).isEqualTo(new Approval.Leave());
  }

  @Test
  void whatIsSignedIsLeftAlone() {
    assertThat(of(request().withNewStatus().withCertificate("UEVN").endStatus()))
        .isEqualTo(new Approval.Leave());
  }

  @Test
  void whatIsApprovedAndNotSignedIsDecidedLikeAnyOther() {
    assertThat(of(withCondition("Approved"))).isInstanceOf(Approval.Sign.class);
    assertDenied(
        withCondition("Approved").editSpec().withUsername("eve").endSpec(),
        Reason.NotTheSidecar,
        "vmcheckpoint-sidecar");
  }

  private CertificateSigningRequestBuilder withCondition(String type) {
    return request()
        .withNewStatus()
        .addNewCondition()
        .withType(type)
        .withStatus("True")
        .endCondition()
        .endStatus();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "kubernetes-admin",
        "system:serviceaccount:vmcheckpoint-node:default",
        "system:serviceaccount:shop:vmcheckpoint-sidecar",
        "system:serviceaccount:vmcheckpoint-system:vmcheckpoint-operator",
        "system:node:node-1"
      })
  void anotherUserIsDenied(String user) {
    assertDenied(
        request().editSpec().withUsername(user).endSpec(),
        Reason.NotTheSidecar,
        "only system:serviceaccount:vmcheckpoint-node:vmcheckpoint-sidecar may ask");
  }

  @Test
  void aTokenWithoutANodeIsDenied() {
    assertDenied(
        request().editSpec().withExtra(Map.of()).endSpec(), Reason.NoNodeClaim, "names no node");
  }

  @Test
  void aTokenOfTwoNodesIsDenied() {
    assertDenied(
        request()
            .editSpec()
            .withExtra(Map.of(Approval.NODE_CLAIM, List.of(NODE, "node-2")))
            .endSpec(),
        Reason.NoNodeClaim,
        "names no node");
  }

  @Test
  void theNameOfAnotherNodeIsDenied() {
    assertDenied(
        request(Pkcs10.ofNode("node-2").encoded()),
        Reason.WrongName,
        "the subject has to be CN=node-1.sidecar.vmcheckpoint.internal");
  }

  @Test
  void theNameOfAnotherNodeBehindTheOwnSubjectIsDenied() {
    pkcs10.names(Pkcs10.dns(NodeTls.sidecarName("node-2")));

    assertDenied(Reason.WrongName, "has to be DNS:node-1.sidecar.vmcheckpoint.internal");
  }

  @Test
  void theOperatorsNameIsDenied() {
    pkcs10.names(Pkcs10.dns(NodeTls.OPERATOR_NAME));

    assertDenied(Reason.WrongName, "has to be DNS:node-1");
  }

  @Test
  void aSecondNameIsDenied() {
    pkcs10.andName(Pkcs10.dns(NodeTls.sidecarName("node-2")));

    assertDenied(Reason.WrongName, "the only subject alternative name");
  }

  @Test
  void anAddressBesideTheNameIsDenied() {
    pkcs10.andName(new GeneralName(GeneralName.iPAddress, "10.0.0.7"));

    assertDenied(Reason.WrongName, "the only subject alternative name");
  }

  @Test
  void anotherKindOfNameIsDenied() {
    pkcs10.names(new GeneralName(GeneralName.uniformResourceIdentifier, NodeTls.sidecarName(NODE)));

    assertDenied(Reason.WrongName, "the only subject alternative name");
  }

  @Test
  void noNameIsDenied() {
    pkcs10.names();

    assertDenied(Reason.WrongName, "the only subject alternative name");
  }

  @Test
  void aSubjectWithMoreThanTheNameIsDenied() {
    pkcs10.subject("CN=node-1.sidecar.vmcheckpoint.internal,O=system:masters");

    assertDenied(Reason.WrongName, "the subject has to be CN=node-1");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "digital signature,client auth",
        "digital signature,server auth,client auth",
        "digital signature,server auth,cert sign",
        "server auth",
        "server auth,server auth",
        "any"
      })
  void otherUsagesSuchAsTheOperatorsAreDenied(String usages) {
    assertDenied(
        request().editSpec().withUsages(usages.split(",", -1)).endSpec(),
        Reason.WrongUsages,
        "is for 'digital signature' and 'server auth', not for [");
  }

  @Test
  void theOperatorsRoleInTheRequestItselfIsDenied() {
    pkcs10.and(Extension.extendedKeyUsage, new ExtendedKeyUsage(KeyPurposeId.id_kp_clientAuth));

    assertDenied(Reason.WrongExtensions, "other than a subject alternative name");
  }

  @Test
  void anAuthorityIsDenied() {
    pkcs10.and(Extension.basicConstraints, new BasicConstraints(true));

    assertDenied(Reason.WrongExtensions, "not one of an authority");
  }

  @Test
  void aSignatureOfAnotherKeyIsDenied() {
    assertDenied(
        request(pkcs10.forged()), Reason.WrongSignature, "not signed by the key that it is about");
  }

  @Test
  void aWeakSignatureIsDenied() {
    pkcs10.signedBy("SHA1withECDSA");

    assertDenied(Reason.WrongSignature, "SHA256withECDSA");
  }

  @Test
  void anotherKindOfKeyIsDenied() {
    pkcs10.rsa();

    assertDenied(Reason.WrongKey, "an EC key on the curve P-256");
  }

  @Test
  void anotherCurveIsDenied() {
    pkcs10.curve("secp384r1");

    assertDenied(Reason.WrongKey, "an EC key on the curve P-256");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "no PEM",
        "-----BEGIN CERTIFICATE REQUEST-----\n",
        "-----BEGIN CERTIFICATE REQUEST-----\n!!!!\n-----END CERTIFICATE REQUEST-----\n",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
      })
  void whatIsNoPemIsDenied(String text) {
    assertDenied(request(Pkcs10.base64(text)), Reason.Unreadable, "the request");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "0", "0\u0003\u0002\u0001\u0001"})
  void whatIsNoPkcs10IsDenied(String content) {
    assertDenied(
        request(Pkcs10.pem(content.getBytes(StandardCharsets.ISO_8859_1))),
        Reason.Unreadable,
        "not PKCS #10");
  }

  @Test
  void whatIsNotBase64IsDenied() {
    assertDenied(request("%%%"), Reason.Unreadable, "not PKCS #10");
  }

  @Test
  void aRequestThatIsCutOffAnywhereIsDenied() {
    String whole = pkcs10.encoded();
    byte[] pem = Base64.getDecoder().decode(whole);
    for (int length = 0; length < pem.length - 30; length += 7) {
      CertificateSigningRequest cut =
          request(Base64.getEncoder().encodeToString(Arrays.copyOf(pem, length))).build();

      assertThat(Approval.of(cut, NAMESPACE)).isInstanceOf(Approval.Deny.class);
    }
  }
}
