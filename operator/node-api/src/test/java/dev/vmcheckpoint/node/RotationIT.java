package dev.vmcheckpoint.node;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import dev.vmcheckpoint.node.TlsMaterial.Identity;
import dev.vmcheckpoint.node.fixture.TestAuthority;
import dev.vmcheckpoint.node.fixture.TestAuthority.Subject;
import dev.vmcheckpoint.node.fixture.TlsServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.http.HttpClient;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Certificates and their authority are replaced while calls are made, each over a new connection.
 */
final class RotationIT {
  private final TestAuthority oldAuthority = new TestAuthority("old");
  private final TestAuthority newAuthority = new TestAuthority("new");
  private final Identity oldOperator = oldAuthority.identity(Subject.OPERATOR);
  private final Identity newOperator = newAuthority.identity(Subject.OPERATOR);
  private final Identity oldSidecar = oldAuthority.identity(Subject.SIDECAR);
  private final Identity newSidecar = newAuthority.identity(Subject.SIDECAR);
  private final X509Certificate oldTrust = oldAuthority.certificate();
  private final X509Certificate newTrust = newAuthority.certificate();

  private final HeldSource operator = new HeldSource(List.of(oldOperator), List.of(oldTrust));
  private final HeldSource sidecar = new HeldSource(List.of(oldSidecar), List.of(oldTrust));
  private final TlsServer server = startServer();

  /** What a test says. */
  private static final class HeldSource implements TlsSource {
    private volatile TlsMaterial material;

    HeldSource(List<Identity> identities, List<X509Certificate> authorities) {
      material = new TlsMaterial(identities, authorities);
    }

    void identities(Identity... identities) {
      material = new TlsMaterial(List.of(identities), material.authorities());
    }

    void trusts(X509Certificate... authorities) {
      material = new TlsMaterial(material.identities(), List.of(authorities));
    }

    @Override
    public TlsMaterial current() {
      return material;
    }
  }

  private TlsServer startServer() {
    try {
      return TlsServer.start(NodeTls.server(sidecar), RotationIT::answer);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void answer(HttpExchange exchange) throws IOException {
    byte[] body = "{\"startId\": \"start-1\", \"machines\": []}".getBytes(UTF_8);
    exchange.getResponseHeaders().set("Content-Type", Wire.JSON);
    exchange.sendResponseHeaders(200, body.length);
    exchange.getResponseBody().write(body);
    exchange.close();
  }

  @BeforeEach
  void isTrusted() {
    assertAnswered();
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void anAuthorityIsReplacedInAnyOrderWithoutOneFailedCall() {
    operator.trusts(oldTrust, newTrust);
    operator.identities(newOperator, oldOperator);
    assertAnswered();

    sidecar.trusts(oldTrust, newTrust);
    assertAnswered();

    sidecar.identities(newSidecar);
    assertAnswered();

    operator.identities(newOperator);
    sidecar.trusts(newTrust);
    operator.trusts(newTrust);
    assertAnswered();
  }

  @Test
  void aCertificateIsReplacedWithoutOneFailedCall() {
    operator.identities(oldAuthority.identity(Subject.OPERATOR));
    assertAnswered();

    sidecar.identities(oldAuthority.identity(Subject.SIDECAR));
    assertAnswered();
  }

  @Test
  void anOperatorOfAnAuthorityThatIsTrustedNoLongerIsRefused() {
    sidecar.trusts(newTrust);

    assertRefused();
  }

  @Test
  void beforeThereIsAnyCertificateNothingIsSent() {
    operator.identities();
    operator.trusts();

    assertThatThrownBy(this::observe)
        .isInstanceOf(NodeApiException.Unreachable.class)
        .hasMessageContaining("there is no authority yet");
  }

  @Test
  void anExpiredOperatorIsRefused() {
    operator.identities(oldAuthority.identity(Subject.OPERATOR.expired()));

    assertRefused();
  }

  private void assertAnswered() {
    assertThat(observe()).isEqualTo(new ObserveResponse("start-1", List.of()));
  }

  private void assertRefused() {
    assertThatThrownBy(this::observe).isInstanceOf(NodeApiException.class);
  }

  private ObserveResponse observe() {
    try (HttpClient client =
        HttpNodeApi.newClient(NodeTls.client(operator), Duration.ofSeconds(20))) {
      return new HttpNodeApi(server.uri(), TestAuthority.NODE, client, HttpNodeApi.Timeouts.DEFAULT)
          .observe(new ObserveRequest(List.of()));
    }
  }
}
