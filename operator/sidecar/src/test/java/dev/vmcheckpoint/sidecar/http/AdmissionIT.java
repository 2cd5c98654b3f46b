package dev.vmcheckpoint.sidecar.http;

import static dev.vmcheckpoint.sidecar.fixture.Failures.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.node.ErrorCode;
import dev.vmcheckpoint.node.ObserveRequest;
import dev.vmcheckpoint.node.ObserveResponse;
import dev.vmcheckpoint.node.PodUid;
import dev.vmcheckpoint.sidecar.fixture.FakeMonitor;
import dev.vmcheckpoint.sidecar.fixture.PodsDirectory;
import dev.vmcheckpoint.sidecar.fixture.RunningSidecar;
import dev.vmcheckpoint.sidecar.fixture.Threads;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** When calls may begin. */
final class AdmissionIT {
  private static final PodUid VM = new PodUid("a1");
  private static final ObserveRequest ONE =
      new ObserveRequest(List.of(new ObserveRequest.Target(VM)));
  private static final ObserveRequest NONE = new ObserveRequest(List.of());

  private final PodsDirectory pods = PodsDirectory.create();
  private final RunningSidecar sidecar = RunningSidecar.admitting(1, pods);
  private final CountDownLatch release = new CountDownLatch(1);
  private final FakeMonitor monitor =
      FakeMonitor.at(
          pods.socket(VM),
          client -> {
            client.greet();
            client.answerOne();
            await(release);
            client.answerQueries();
          });
  private CompletableFuture<ObserveResponse> first = new CompletableFuture<>();

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @BeforeEach
  void beginACallThatTakesLong() {
    first = Threads.start(() -> sidecar.api().observe(ONE));
    sidecar.awaitCallsInProgress(1);
  }

  @AfterEach
  void stop() throws IOException {
    release.countDown();
    sidecar.close();
    monitor.close();
    pods.close();
  }

  @Test
  void aCallBeyondTheLimitIsRefused() {
    assertThat(assertRefused(ErrorCode.TooManyRequests, () -> sidecar.api().observe(NONE)).detail())
        .isEqualTo("1 calls are in progress already");
  }

  @Test
  void aPlaceIsFreeAgainWhenItsCallHasEnded() throws Exception {
    release.countDown();
    first.get(30, TimeUnit.SECONDS);

    assertThat(sidecar.api().observe(NONE).machines()).isEmpty();
  }

  @Test
  void aSidecarThatStopsLetsCallsEndAndNoneBegin() throws Exception {
    assertThat(sidecar.probe("/readyz").statusCode()).isEqualTo(200);
    CompletableFuture<Boolean> stopping =
        Threads.start(
            () -> {
              sidecar.stop();
              return true;
            });
    Awaitility.await()
        .atMost(Duration.ofSeconds(30))
        .until(() -> sidecar.probe("/readyz").statusCode() == 503);

    assertRefused(ErrorCode.Stopping, () -> sidecar.api().observe(NONE));
    assertThat(sidecar.probe("/healthz").statusCode()).isEqualTo(200);
    assertThat(stopping).isNotDone();
    release.countDown();
    assertThat(first.get(30, TimeUnit.SECONDS).machines()).hasSize(1);
    stopping.get(30, TimeUnit.SECONDS);
  }
}
