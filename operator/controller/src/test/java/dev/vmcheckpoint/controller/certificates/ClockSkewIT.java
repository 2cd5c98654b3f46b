package dev.vmcheckpoint.controller.certificates;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vmcheckpoint.node.NodeApiException;
import dev.vmcheckpoint.node.ObserveResponse;
import dev.vmcheckpoint.node.TlsMaterial;
import dev.vmcheckpoint.node.TlsMaterial.Identity;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Handshakes with certificates by a clock that is not ours: each as new, or as old, as it is ever
 * shown.
 */
final class ClockSkewIT {
  /** Two thirds of what is seen of a sidecar's life, and of an operator's. */
  private static final Duration SIDECAR_RENEWS_AFTER = Duration.ofHours(16);

  private static final Duration OPERATOR_RENEWS_AFTER = Duration.ofMinutes(15 * 60 + 39);

  private final Pkcs10 sidecarKey = Pkcs10.ofNode(AnsweringSidecar.NODE);
  private final Instant now = Instant.now();
  private final Authority authority =
      Authority.create(now.minus(Duration.ofDays(30)), Certificates.AUTHORITY_LIFE);

  private Identity operatorOf(Instant issued) {
    return authority.newOperatorIdentity(issued);
  }

  private Identity sidecarOf(Instant issued) {
    return new Identity(
        List.of(
            authority.signSidecar(
                AnsweringSidecar.NODE, sidecarKey.publicKey(), issued, Approval.LONGEST)),
        sidecarKey.key());
  }

  private Instant ahead(Duration time) {
    return now.plus(time);
  }

  private Instant behind(Duration time) {
    return now.minus(time);
  }

  @Test
  void byAClockThatIsAheadByLessThanAnHourTheyAreBelieved() {
    Instant issued = ahead(Duration.ofMinutes(59));

    assertThat(call(operatorOf(issued), sidecarOf(issued))).isEqualTo(AnsweringSidecar.ANSWER);
  }

  @Test
  void byAClockThatIsAheadByMoreASidecarsIsRefusedWithBothTimes() {
    Identity sidecar = sidecarOf(ahead(Duration.ofMinutes(61)));

    assertThatThrownBy(() -> call(operatorOf(now), sidecar))
        .isInstanceOf(NodeApiException.Unreachable.class)
        .hasMessageContaining(
            "TLS: the peer's certificate is not valid before %s, and the clock here says "
                .formatted(sidecar.own().getNotBefore().toInstant()));
  }

  @Test
  void byAClockThatIsAheadByMoreAnOperatorsIsRefused() {
    assertThatThrownBy(() -> call(operatorOf(ahead(Duration.ofMinutes(61))), sidecarOf(now)))
        .isInstanceOf(NodeApiException.class);
  }

  @Test
  void byAClockThatIsBehindByLessThanEightHoursTheyAreBelievedUntilTheyAreRenewed() {
    Instant itsTime = behind(Duration.ofHours(8)).plusSeconds(60);
    Identity operator = operatorOf(itsTime.minus(OPERATOR_RENEWS_AFTER));
    assertThat(Authority.isDue(operator.own(), itsTime.plusSeconds(120))).isTrue();

    assertThat(call(operator, sidecarOf(itsTime.minus(SIDECAR_RENEWS_AFTER))))
        .isEqualTo(AnsweringSidecar.ANSWER);
  }

  @Test
  void byAClockThatIsBehindByMoreASidecarsIsRefusedWithBothTimes() {
    Instant itsTime = behind(Duration.ofHours(8)).minusSeconds(60);
    Identity sidecar = sidecarOf(itsTime.minus(SIDECAR_RENEWS_AFTER));

    assertThatThrownBy(() -> call(operatorOf(now), sidecar))
        .isInstanceOf(NodeApiException.Unreachable.class)
        .hasMessageContaining(
            "TLS: the peer's certificate expired at %s, and the clock here says "
                .formatted(sidecar.own().getNotAfter().toInstant()));
  }

  @Test
  void byAClockThatIsBehindByNineHoursAnOperatorsIsRefused() {
    Instant itsTime = behind(Duration.ofHours(9));
    Identity operator = operatorOf(itsTime.minus(OPERATOR_RENEWS_AFTER));
    assertThat(Authority.isDue(operator.own(), itsTime)).isFalse();

    assertThatThrownBy(() -> call(operator, sidecarOf(now))).isInstanceOf(NodeApiException.class);
  }

  private ObserveResponse call(Identity operator, Identity sidecar) {
    TlsMaterial ofOperator = material(operator);
    TlsMaterial ofSidecar = material(sidecar);
    try (AnsweringSidecar server = AnsweringSidecar.showing(() -> ofSidecar)) {
      return server.calledBy(() -> ofOperator);
    }
  }

  private TlsMaterial material(Identity identity) {
    return new TlsMaterial(List.of(identity), List.of(authority.certificate()));
  }
}
