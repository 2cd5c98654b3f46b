package dev.vmcheckpoint.installation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.vmcheckpoint.installation.fixture.FollowingOperator;
import dev.vmcheckpoint.installation.fixture.RunningInstallation;
import dev.vmcheckpoint.installation.fixture.SidecarProgram;
import java.math.BigInteger;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Certificates that are renewed by the programs as they are, while calls go on. */
final class RenewalIT {
  @RegisterExtension static final RunningInstallation INSTALLATION = new RunningInstallation();

  /** A sidecar looks once a minute whether it is time. */
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  private static final Duration UNTIL_IT_IS_TIME = Duration.ofHours(17);
  private static final int FURTHER_CALLS = 20;

  @Test
  void aSidecarsCertificateIsRenewedWithoutOneFailedCall() {
    INSTALLATION.startOperator();
    SidecarProgram sidecar = INSTALLATION.sidecar();
    sidecar.whenReady();
    try (FollowingOperator operator = INSTALLATION.startFollowingOperator()) {
      BigInteger before = operator.call(sidecar).getSerialNumber();
      int requestsBefore = INSTALLATION.requests();

      sidecar.letTimePass(UNTIL_IT_IS_TIME);

      await("another certificate")
          .atMost(PATIENCE)
          .pollInterval(Duration.ofMillis(10))
          .until(() -> !operator.call(sidecar).getSerialNumber().equals(before));
      assertThat(INSTALLATION.requests()).isEqualTo(requestsBefore + 1);
      for (int i = 0; i < FURTHER_CALLS; i++) {
        assertThat(operator.call(sidecar).getSerialNumber()).isNotEqualTo(before);
      }
    }
  }
}
