package dev.vmcheckpoint.controller.certificates;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.controller.certificates.Requests.Asker;
import dev.vmcheckpoint.controller.certificates.Requests.Request;
import dev.vmcheckpoint.controller.fixture.TestCluster;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The authority in its Secret, what is on record of it, and which replica looks after it. */
final class AuthorityIT extends WithAuthorities {
  private static final Asker SIDECAR = Asker.sidecarOf("node-1");

  private final Pkcs10 pkcs10 = Pkcs10.ofNode("node-1");

  private static Replica leader() {
    return Replica.leading(CLUSTER).whenReady();
  }

  private static Clock in(Duration time) {
    return Clock.offset(Clock.systemUTC(), time);
  }

  private void assertSigned(X509Certificate authority) throws Exception {
    requests.ask(SIDECAR, pkcs10).whenSigned().verify(authority.getPublicKey());
  }

  @Test
  void whereThereIsNoneTheLeaderMakesOneForAYearAndPutsItOnRecord() {
    try (Replica _ = leader()) {
      assertThat(objects.secret().getType()).isEqualTo("kubernetes.io/tls");
      assertThat(objects.secret().getMetadata().getLabels())
          .containsEntry("vmcheckpoint.dev/managed-by", "operator");
      assertThat(objects.authority().getNotAfter())
          .isBetween(
              Instant.now().plus(Duration.ofDays(364)), Instant.now().plus(Duration.ofDays(366)));
      assertThat(objects.onRecord()).containsExactly(objects.authority());
    }
  }

  @Test
  void whoDoesNotLeadReadsItAndWritesNothing() throws Exception {
    try (Replica leader = leader();
        Replica follower = Replica.start(CLUSTER).whenReady()) {
      assertThat(follower.source().current().authorities()).containsExactly(objects.authority());
      leader.resign();
      Request request = requests.ask(SIDECAR, pkcs10);

      try (Replica next = leader()) {
        request.whenSigned().verify(objects.authority().getPublicKey());
        TestCluster.awaitThat("its count", () -> next.count("Signed") == 1);
      }
      assertThat(leader.count("Signed") + follower.count("Signed")).isZero();
    }
  }

  @Test
  void whoTakesOverGoesOnWithTheSameAuthority() throws Exception {
    X509Certificate authority;
    try (Replica _ = leader()) {
      authority = objects.authority();
    }

    try (Replica _ = leader()) {
      assertThat(objects.authority()).isEqualTo(authority);
      assertSigned(authority);
    }
  }

  @Test
  void aRequestThatCameWhileNobodyLedIsSignedByTheNextLeader() {
    Request request = requests.ask(SIDECAR, pkcs10);

    try (Replica _ = leader()) {
      request.whenSigned();
    }
  }

  @Test
  void oneThatWasApprovedByHandIsSignedAsWell() {
    Request request = requests.ask(SIDECAR, pkcs10);
    request.approveByHand();

    try (Replica _ = leader()) {
      request.whenSigned();
    }
  }

  @Test
  void oneThatIsWrongButWasApprovedByHandIsNotSigned() {
    Request request = requests.ask(Asker.sidecarOf("node-2"), pkcs10);
    request.approveByHand();

    try (Replica _ = leader()) {
      assertThat(request.whenRefused("Failed").getReason()).isEqualTo("WrongName");
      assertThat(request.certificate()).isEmpty();
    }
  }

  @Test
  void deletingTheSecretMakesANewAuthorityAndBothAreBelieved() throws Exception {
    try (Replica leader = leader()) {
      X509Certificate before = objects.authority();

      objects.deleteSecret();

      TestCluster.awaitThat("both on record", () -> objects.onRecord().size() == 2);
      X509Certificate after = objects.authority();
      assertThat(objects.onRecord()).containsExactly(after, before);
      assertSigned(after);
      assertThat(leader.source().current().authorities()).containsExactly(after, before);
    }
  }

  @Test
  void atTwoThirdsOfItsLifeItIsReplacedAndStaysBelieved() {
    try (Replica _ = leader()) {
      assertThat(objects.onRecord()).hasSize(1);
    }
    X509Certificate before = objects.authority();

    try (Replica _ = Replica.leading(CLUSTER, in(Duration.ofDays(244))).whenReady()) {
      assertThat(objects.onRecord()).containsExactly(objects.authority(), before);
      assertThat(objects.authority()).isNotEqualTo(before);
    }
  }

  @Test
  void oneThatHasExpiredIsReplacedAndBelievedNoLonger() {
    try (Replica _ = leader()) {
      assertThat(objects.onRecord()).hasSize(1);
    }
    X509Certificate before = objects.authority();

    try (Replica _ = Replica.leading(CLUSTER, in(Duration.ofDays(366))).whenReady()) {
      assertThat(objects.onRecord()).containsExactly(objects.authority()).doesNotContain(before);
    }
  }

  @Test
  void aSecretOfAnotherOwnerIsUsedAndNeverChanged() throws Exception {
    ForeignAuthority foreign = ForeignAuthority.of("RSA", Instant.now());
    objects.putSecret(foreign.certificatePem(), foreign.traditionalKeyPem());
    String version = objects.secret().getMetadata().getResourceVersion();

    try (Replica _ = leader()) {
      assertSigned(foreign.certificate());
    }
    // Two thirds of its life have passed, and it is its owner's affair.
    try (Replica _ = Replica.leading(CLUSTER, in(Duration.ofHours(20))).whenReady()) {
      assertThat(objects.onRecord()).containsExactly(foreign.certificate());
    }

    assertThat(objects.secret().getMetadata().getResourceVersion()).isEqualTo(version);
  }

  @Test
  void aSecretOfAnotherOwnerThatIsNoAuthorityIsRefusedOnceAndNothingIsSigned() throws Exception {
    ForeignAuthority foreign = ForeignAuthority.of("EC", Instant.now());
    objects.putSecret(foreign.certificatePem(), "no key");
    Request request = requests.ask(SIDECAR, pkcs10);

    try (Replica leader = Replica.leading(CLUSTER)) {
      TestCluster.awaitThat("the refusal", () -> !leader.refused().isEmpty());
      assertThat(request.certificate()).isEmpty();
      assertThat(request.conditions()).isEmpty();

      objects.putSecret(foreign.certificatePem(), foreign.traditionalKeyPem());

      request.whenSigned().verify(foreign.certificate().getPublicKey());
      assertThat(leader.refused())
          .singleElement()
          .asString()
          .contains("vmcheckpoint-authority", "tls.key: holds no private key");
    }
  }

  @Test
  void whatIsNoAuthorityIsTakenOffTheRecord() {
    Instant now = Instant.now();
    Authority earlier = Authority.create(now.minus(Duration.ofDays(30)), Duration.ofDays(365));
    Authority expired = Authority.create(now.minus(Duration.ofDays(30)), Duration.ofDays(29));
    objects.record(
        String.join(
            "",
            List.of(
                "rubbish\n",
                "-----BEGIN CERTIFICATE-----\nrubbish\n-----END CERTIFICATE-----\n",
                AuthorityPem.text(expired.certificate()),
                AuthorityPem.text(earlier.newOperatorIdentity(now).own()),
                AuthorityPem.text(earlier.certificate()))));

    try (Replica _ = leader()) {
      assertThat(objects.onRecord()).containsExactly(objects.authority(), earlier.certificate());
    }
  }

  @Test
  void theRecordHoldsNoMoreThanTheYoungest() {
    Instant now = Instant.now();
    StringBuilder many = new StringBuilder();
    for (int i = 1; i <= BelievedAuthorities.MOST; i++) {
      many.append(
          AuthorityPem.text(
              Authority.create(now.minus(Duration.ofDays(i)), Duration.ofDays(365)).certificate()));
    }
    objects.record(many.toString());
    X509Certificate oldest = objects.onRecord().getLast();

    try (Replica _ = leader()) {
      assertThat(objects.onRecord())
          .hasSize(BelievedAuthorities.MOST)
          .startsWith(objects.authority())
          .doesNotContain(oldest);
    }
  }
}
