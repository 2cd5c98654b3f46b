package dev.vmcheckpoint.controller.nodes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vmcheckpoint.controller.fixture.FakeSidecar;
import dev.vmcheckpoint.controller.fixture.LoggedWarnings;
import dev.vmcheckpoint.node.ErrorCode;
import dev.vmcheckpoint.node.NodeApi;
import dev.vmcheckpoint.node.NodeApiException;
import dev.vmcheckpoint.node.ObserveRequest;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What the log says of sidecars that do not answer. */
final class MeteredNodeApiTest {
  private static final ObserveRequest NOBODY = new ObserveRequest(List.of());
  private static final String WARNING =
      "The sidecar of node node-1 does not answer: TLS: the peer's certificate expired";

  private final FakeSidecar sidecar = new FakeSidecar();
  private final SilentSidecars silent = new SilentSidecars();
  private final LoggedWarnings warnings = new LoggedWarnings();

  @AfterEach
  void close() {
    warnings.close();
  }

  /** A new object for each call, as the operator has it. */
  private NodeApi api() {
    return new MeteredNodeApi("node-1", sidecar, new SimpleMeterRegistry(), silent);
  }

  private void failingWith(NodeApiException failure) {
    sidecar.beforeObserve(
        () -> {
          throw failure;
        });
    assertThatThrownBy(() -> api().observe(NOBODY)).isSameAs(failure);
  }

  private static NodeApiException unreachable() {
    return new NodeApiException.Unreachable("TLS: the peer's certificate expired", null);
  }

  @Test
  void whyASidecarDoesNotAnswerIsSaidOnceUntilItAnswersAgain() {
    failingWith(unreachable());
    failingWith(unreachable());
    assertThat(warnings.about("node-1")).containsExactly(WARNING);

    sidecar.heal();
    api().observe(NOBODY);
    failingWith(unreachable());

    assertThat(warnings.about("node-1")).containsExactly(WARNING, WARNING);
  }

  @Test
  void aRefusalIsAnAnswer() {
    failingWith(FakeSidecar.problem(ErrorCode.TooManyRequests, "64 calls are in progress"));

    assertThat(warnings.about("node-1")).isEmpty();
  }
}
