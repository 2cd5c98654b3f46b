package dev.vmcheckpoint.controller.certificates;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.controller.certificates.Requests.Asker;
import dev.vmcheckpoint.controller.certificates.Requests.Request;
import dev.vmcheckpoint.controller.fixture.Detour;
import dev.vmcheckpoint.controller.fixture.Detour.Fault;
import dev.vmcheckpoint.controller.fixture.LoggedWarnings;
import dev.vmcheckpoint.controller.fixture.TestCluster;
import dev.vmcheckpoint.node.fixture.MovableClock;
import java.security.cert.X509Certificate;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The authority's Secret cannot be written, or read, when it is time to. */
final class AuthorityFaultIT extends WithAuthorities {
  private static final String RECORD = "/configmaps/vmcheckpoint-authorities";
  private static final String SECRET = "/secrets/vmcheckpoint-authority";
  private static final Duration WHEN_DUE = Duration.ofDays(244);
  private static final Duration WHEN_EXPIRED = Duration.ofDays(366);
  private static final Duration UNTIL_IT_LOOKS_AGAIN = Duration.ofSeconds(10);

  private final MovableClock clock = new MovableClock();
  private final Detour way = Detour.to(CLUSTER);
  private final LoggedWarnings warnings = new LoggedWarnings();

  @BeforeEach
  void makeAnAuthority() {
    try (Replica _ = Replica.leading(CLUSTER).whenReady()) {
      assertThat(objects.onRecord()).containsExactly(objects.authority());
    }
  }

  @AfterEach
  void close() {
    warnings.close();
    way.close();
  }

  private Replica leader() {
    return Replica.leading(CLUSTER, clock, way);
  }

  private Request ask() {
    return requests.ask(Asker.sidecarOf("node-1"), Pkcs10.ofNode("node-1"));
  }

  /** Waits until it has looked so many times more, and each time in vain. */
  private void whenItHasFailedAgain(int times) {
    for (int i = 0; i < times; i++) {
      int before = way.timesWrong();
      clock.move(UNTIL_IT_LOOKS_AGAIN);
      TestCluster.awaitThat("another failure", () -> way.timesWrong() > before);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"FORBIDDEN", "CONFLICT", "INTERNAL_ERROR"})
  void oneThatIsDueGoesOnSigningWhileItsSuccessorCannotBeWritten(Fault fault) throws Exception {
    X509Certificate before = objects.authority();
    clock.move(WHEN_DUE);
    way.every("PUT", SECRET, fault);

    try (Replica _ = leader()) {
      ask().whenSigned().verify(before.getPublicKey());
      assertThat(way.wentWrong()).isTrue();
    }
  }

  @Test
  void itIsSaidOnceUntilWhenThatOneIsGoodAndTriedAgain() throws Exception {
    X509Certificate before = objects.authority();
    clock.move(WHEN_DUE);
    way.every("PUT", SECRET, Fault.FORBIDDEN);

    try (Replica _ = leader().whenReady()) {
      whenItHasFailedAgain(2);
      assertThat(warnings.about("authority"))
          .singleElement()
          .asString()
          .startsWith("A new authority could not be written to Secret vmcheckpoint-system/")
          .contains("good until " + before.getNotAfter().toInstant(), "a fault");

      way.repair();
      clock.move(UNTIL_IT_LOOKS_AGAIN);

      TestCluster.awaitThat("its successor", () -> objects.onRecord().size() == 2);
      ask().whenSigned().verify(objects.authority().getPublicKey());
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"FORBIDDEN", "CONFLICT", "INTERNAL_ERROR"})
  void oneThatHasExpiredSignsNothingWhileItsSuccessorCannotBeWrittenAndThatIsSaid(Fault fault)
      throws Exception {
    X509Certificate before = objects.authority();
    clock.move(WHEN_EXPIRED);
    way.every("PUT", SECRET, fault);
    Request request = ask();

    try (Replica _ = leader()) {
      TestCluster.awaitThat("the first failure", way::wentWrong);
      whenItHasFailedAgain(1);
      assertThat(request.certificate()).isEmpty();
      assertThat(warnings.about("authority"))
          .singleElement()
          .asString()
          .contains("Nothing is signed, as there is none that can be used");

      way.repair();
      clock.move(UNTIL_IT_LOOKS_AGAIN);

      request.whenSigned().verify(objects.authority().getPublicKey());
      assertThat(objects.authority()).isNotEqualTo(before);
    }
  }

  /** Nobody would believe what it signs. */
  @ParameterizedTest
  @EnumSource(names = {"FORBIDDEN", "CONFLICT", "INTERNAL_ERROR"})
  void whileASuccessorCannotBePutOnRecordTheOneBeforeItSigns(Fault fault) throws Exception {
    X509Certificate before = objects.authority();
    try (Replica leader = leader().whenReady()) {
      way.every("PUT", RECORD, fault);
      clock.move(WHEN_DUE);
      TestCluster.awaitThat("the first failure", way::wentWrong);
      assertThat(objects.authority()).isNotEqualTo(before);

      ask().whenSigned().verify(before.getPublicKey());
      assertThat(leader.source().current().identities())
          .extracting(identity -> identity.own().getIssuerX500Principal())
          .containsOnly(before.getSubjectX500Principal());

      way.repair();
      clock.move(UNTIL_IT_LOOKS_AGAIN);
      TestCluster.awaitThat("its successor", () -> objects.onRecord().size() == 2);
      ask().whenSigned().verify(objects.authority().getPublicKey());
    }
  }

  @Test
  void oneThatExpiresWhileItsSecretCannotBeReadSignsNothingMore() {
    try (Replica _ = leader().whenReady()) {
      ask().whenSigned();
      way.every("GET", SECRET, Fault.FORBIDDEN);
      clock.move(WHEN_EXPIRED);
      TestCluster.awaitThat("the first failure", way::wentWrong);

      Request request = ask();

      whenItHasFailedAgain(3);
      assertThat(request.certificate()).isEmpty();
    }
  }

  @Test
  void whereItMayNotMakeOneItUsesWhatAnotherOwnerPutsThere() throws Exception {
    X509Certificate before = objects.authority();
    ForeignAuthority foreign = ForeignAuthority.of("EC", clock.instant());

    try (Replica leader = leader().whenReady()) {
      way.every("POST", "/secrets", Fault.FORBIDDEN);
      objects.deleteSecret();
      clock.move(UNTIL_IT_LOOKS_AGAIN);
      TestCluster.awaitThat("the refusal", way::wentWrong);
      assertThat(leader.source().current().authorities()).containsExactly(before);

      objects.putSecret(foreign.certificatePem(), foreign.traditionalKeyPem());
      clock.move(UNTIL_IT_LOOKS_AGAIN);

      TestCluster.awaitThat("both on record", () -> objects.onRecord().size() == 2);
      assertThat(objects.onRecord()).containsExactly(foreign.certificate(), before);
      ask().whenSigned().verify(foreign.certificate().getPublicKey());
    }
  }
}
