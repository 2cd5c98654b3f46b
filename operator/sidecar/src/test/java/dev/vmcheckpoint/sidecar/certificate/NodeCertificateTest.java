package dev.vmcheckpoint.sidecar.certificate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.vmcheckpoint.node.NodeTls;
import dev.vmcheckpoint.node.TlsMaterial.Identity;
import dev.vmcheckpoint.node.fixture.TestAuthority;
import dev.vmcheckpoint.node.fixture.TestAuthority.Subject;
import dev.vmcheckpoint.sidecar.certificate.NodeCertificate.Pace;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A sidecar's way to its certificate, with an API server that says what a test wants. */
final class NodeCertificateTest {
  /** As it is, but for how often it looks whether the clock has been moved. */
  private static final Pace SOON =
      new Pace(
          Duration.ofMillis(1),
          Duration.ofSeconds(5),
          Duration.ofMillis(1),
          Duration.ofMillis(1),
          Pace.DEFAULT.refused(),
          Pace.DEFAULT.longestRefused());

  private final TestAuthority authority = new TestAuthority();
  private final FakeApi api = new FakeApi();
  private final MovableClock clock = new MovableClock();
  private final NodeCertificate certificate =
      NodeCertificate.start(TestAuthority.NODE, api, SOON, clock);

  @AfterEach
  void stop() {
    certificate.close();
  }

  @Test
  void itIsReadyWithACertificateForItsNodeAndAnAuthority() {
    api.publish(authority.pem());

    api.sign(this::certificateFor);

    whenReady();
    assertThat(certificate.current().authorities()).containsExactly(authority.certificate());
    assertThat(identity().own().getSubjectX500Principal().getName()).isEqualTo("CN=test");
  }

  @Test
  void untilTheAuthoritiesArePublishedItIsNotReady() {
    api.sign(this::certificateFor);
    await().until(() -> !certificate.current().identities().isEmpty());
    assertThat(certificate.isReady()).isFalse();

    api.publish(authority.pem());

    whenReady();
  }

  @Test
  void withACertificateAndNobodyToBelieveItLooksAgainSoon() {
    Pace seldomOnceReady =
        new Pace(
            SOON.look(),
            SOON.patience(),
            SOON.retry(),
            Duration.ofHours(1),
            SOON.refused(),
            SOON.longestRefused());
    FakeApi late = new FakeApi();
    late.sign(this::certificateFor);
    try (NodeCertificate own =
        NodeCertificate.start(TestAuthority.NODE, late, seldomOnceReady, clock)) {
      await().until(() -> !own.current().identities().isEmpty());

      late.publish(authority.pem());

      await().until(own::isReady);
    }
  }

  @Test
  void aRequestThatIsDeniedIsFollowedByAnotherWithAnotherKey() {
    api.publish(authority.pem());
    api.refuse();
    assertAsksAgainAfter(SOON.refused());
    assertThat(certificate.isReady()).isFalse();

    api.sign(this::certificateFor);
    letTimePass(SOON.longestRefused());

    whenReady();
    assertThat(api.requests).doesNotHaveDuplicates();
  }

  @Test
  void whileItIsRefusedItWaitsTwiceAsLongEachTimeUpToTenMinutes() {
    api.publish(authority.pem());
    api.refuse();

    for (int seconds : new int[] {5, 10, 20, 40, 80, 160, 320, 600, 600}) {
      assertAsksAgainAfter(Duration.ofSeconds(seconds));
    }
  }

  @Test
  void onceItIsGrantedOneTheNextRefusalIsTheFirstAgain() {
    api.publish(authority.pem());
    api.refuse();
    assertAsksAgainAfter(Duration.ofSeconds(5));
    assertAsksAgainAfter(Duration.ofSeconds(10));
    api.sign(this::certificateFor);
    letTimePass(Duration.ofSeconds(20));
    whenReady();

    api.refuse();
    api.whenAskedOnceMore(() -> clock.advance(Duration.ofMinutes(41)));

    assertAsksAgainAfter(Duration.ofSeconds(5));
  }

  @Test
  void whileItIsRefusedItReadsWhomToBelieve() {
    api.refuse();
    api.whenAsked(1);

    api.publish(authority.pem());

    await().until(() -> !certificate.current().authorities().isEmpty());
    assertThat(api.requests).hasSize(1);
  }

  @Test
  void aRequestThatIsGoneIsFollowedByAnother() {
    api.publish(authority.pem());
    api.answer(_ -> new SigningState.Gone());
    api.whenAsked(2);

    api.sign(this::certificateFor);

    whenReady();
  }

  @Test
  void aRequestThatNobodyDecidesIsFollowedByAnother() {
    api.publish(authority.pem());
    api.whenAsked(1);

    clock.advance(SOON.patience());

    api.whenAsked(2);
  }

  @Test
  void anApiServerThatFailsIsAskedAgain() {
    api.isDown = true;
    api.whenFailed(3);
    assertThat(certificate.isReady()).isFalse();

    api.isDown = false;
    api.publish(authority.pem());
    api.sign(this::certificateFor);

    whenReady();
  }

  @Test
  void aCertificateForAnotherNodeIsNotTaken() {
    api.publish(authority.pem());

    api.sign(
        request -> authority.sign(request, Subject.SIDECAR.named(NodeTls.sidecarName("node-2"))));

    assertAsksAgainAfter(SOON.refused());
    assertThat(certificate.isReady()).isFalse();
  }

  @Test
  void aCertificateForAnotherKeyIsNotTaken() {
    String other = KeyRequest.of(TestAuthority.NODE).pem();
    api.publish(authority.pem());

    api.sign(_ -> certificateFor(other));

    assertAsksAgainAfter(SOON.refused());
    assertThat(certificate.isReady()).isFalse();
  }

  @Test
  void whatIsNoCertificateIsNotTaken() {
    api.publish(authority.pem());

    api.sign(_ -> "rubbish");

    assertAsksAgainAfter(SOON.refused());
    assertThat(certificate.isReady()).isFalse();
  }

  @Test
  void aCertificateThatHasExpiredIsNotTaken() {
    api.publish(authority.pem());

    api.sign(request -> authority.sign(request, Subject.SIDECAR.expired()));

    assertAsksAgainAfter(SOON.refused());
    assertThat(certificate.current().identities()).isEmpty();
  }

  @Test
  void itIsRenewedWhenTwoThirdsOfItsLifeHavePassed() {
    api.publish(authority.pem());
    api.sign(this::certificateFor);
    whenReady();
    Identity first = identity();

    clock.advance(Duration.ofMinutes(39));
    api.whenLookedAt(5);
    assertThat(identity()).isEqualTo(first);
    clock.advance(Duration.ofMinutes(2));

    await().until(() -> !identity().equals(first));
    assertThat(identity().key()).isNotEqualTo(first.key());
  }

  @Test
  void untilARenewalSucceedsTheEarlierOneStaysAndThenItIsNotReady() {
    api.publish(authority.pem());
    api.sign(this::certificateFor);
    whenReady();
    Identity first = identity();
    api.isDown = true;

    clock.advance(Duration.ofMinutes(41));
    api.whenFailed(3);
    assertThat(identity()).isEqualTo(first);
    assertThat(certificate.isReady()).isTrue();

    clock.advance(Duration.ofMinutes(20));
    assertThat(certificate.isReady()).isFalse();
  }

  @Test
  void aNewAuthorityIsBelievedBesideTheEarlierOne() {
    api.publish(authority.pem());
    api.sign(this::certificateFor);
    whenReady();
    TestAuthority second = new TestAuthority("second");

    api.publish(authority.pem() + second.pem());

    await()
        .untilAsserted(
            () ->
                assertThat(certificate.current().authorities())
                    .containsExactly(authority.certificate(), second.certificate()));
  }

  private String certificateFor(String request) {
    return authority.sign(
        request,
        Subject.SIDECAR.valid(
            clock.instant().minusSeconds(60), clock.instant().plus(Duration.ofHours(1))));
  }

  /** Of a request that has been made, or is about to be. */
  private void assertAsksAgainAfter(Duration wait) {
    api.whenAsked(1);
    int before = api.requests.size();
    Duration almost = wait.minusSeconds(1);

    letTimePass(almost);
    api.whenLookedAt(2);
    assertThat(api.requests).as("requests after %s", almost).hasSize(before);

    letTimePass(wait.minus(almost));
    api.whenAsked(before + 1);
  }

  /** Once what was answered so far has been taken note of. */
  private void letTimePass(Duration time) {
    api.whenLookedAt(2);
    clock.advance(time);
  }

  private void whenReady() {
    await("a certificate").until(certificate::isReady);
  }

  private Identity identity() {
    return certificate.current().identities().getFirst();
  }

  private static final class FakeApi implements CertificateApi {
    private final List<String> requests = new CopyOnWriteArrayList<>();
    private volatile Function<String, SigningState> answer = _ -> new SigningState.Pending();
    private volatile Optional<String> authorities = Optional.empty();
    private volatile boolean isDown;
    private volatile int failures;
    private volatile int looks;

    void publish(String pem) {
      authorities = Optional.of(pem);
    }

    void sign(Function<String, String> signer) {
      answer = request -> new SigningState.Signed(signer.apply(request));
    }

    void answer(Function<String, SigningState> decision) {
      answer = decision;
    }

    void refuse() {
      answer(_ -> new SigningState.Refused("Denied: WrongNode, not yours"));
    }

    void whenAskedOnceMore(Runnable action) {
      int before = requests.size();
      action.run();
      whenAsked(before + 1);
    }

    void whenAsked(int times) {
      await(times + " requests").until(() -> requests.size() >= times);
    }

    void whenFailed(int times) {
      int before = failures;
      await(times + " failures").until(() -> failures >= before + times);
    }

    void whenLookedAt(int times) {
      int before = looks;
      await(times + " looks").until(() -> looks >= before + times);
    }

    @Override
    public String request(String request, Duration life) throws IOException {
      requireUp();
      requests.add(request);
      return "csr-" + (requests.size() - 1);
    }

    @Override
    public SigningState state(String name) throws IOException {
      requireUp();
      return answer.apply(requests.get(Integer.parseInt(name.substring("csr-".length()))));
    }

    @Override
    @SuppressWarnings("NonAtomicVolatileUpdate") // one thread asks
    public Optional<String> authorities() throws IOException {
      requireUp();
      looks++;
      return authorities;
    }

    @SuppressWarnings("NonAtomicVolatileUpdate") // one thread asks
    private void requireUp() throws IOException {
      if (isDown) {
        failures++;
        throw new IOException("down");
      }
    }
  }

  private static final class MovableClock extends Clock {
    private volatile Instant now = Instant.now();

    void advance(Duration time) {
      now = now.plus(time);
    }

    @Override
    public Instant instant() {
      return now;
    }

    @Override
    public ZoneId getZone() {
      return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
      return this;
    }
  }
}
