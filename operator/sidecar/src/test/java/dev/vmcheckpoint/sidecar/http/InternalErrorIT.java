package dev.vmcheckpoint.sidecar.http;

import static dev.vmcheckpoint.sidecar.fixture.Failures.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;

import dev.vmcheckpoint.node.CheckpointUid;
import dev.vmcheckpoint.node.EnsureRequest;
import dev.vmcheckpoint.node.EnsureResponse;
import dev.vmcheckpoint.node.EpochRequest;
import dev.vmcheckpoint.node.EpochResponse;
import dev.vmcheckpoint.node.ErrorCode;
import dev.vmcheckpoint.node.HttpNodeApi;
import dev.vmcheckpoint.node.MutationContext;
import dev.vmcheckpoint.node.NodeApi;
import dev.vmcheckpoint.node.NodeTls;
import dev.vmcheckpoint.node.ObserveRequest;
import dev.vmcheckpoint.node.ObserveResponse;
import dev.vmcheckpoint.node.PodUid;
import dev.vmcheckpoint.node.RemoveResponse;
import dev.vmcheckpoint.node.Retry;
import dev.vmcheckpoint.node.fixture.TestAuthority;
import dev.vmcheckpoint.node.fixture.TestAuthority.Subject;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A fault of the sidecar's own. */
final class InternalErrorIT {
  private final TestAuthority authority = new TestAuthority();
  @TempDir private Path directory = Path.of("");

  /** Carries out nothing. */
  private static final class Broken implements NodeApi {
    @Override
    public ObserveResponse observe(ObserveRequest request) {
      throw new IllegalStateException("a fault");
    }

    @Override
    public EnsureResponse ensureCheckpoint(
        PodUid machine, CheckpointUid checkpoint, EnsureRequest request, MutationContext context) {
      throw new IllegalStateException("a fault");
    }

    @Override
    public RemoveResponse removeCheckpoint(
        PodUid machine, CheckpointUid checkpoint, MutationContext context) {
      throw new IllegalStateException("a fault");
    }

    @Override
    public RemoveResponse removeBitmap(
        PodUid machine, CheckpointUid checkpoint, String bitmap, MutationContext context) {
      throw new IllegalStateException("a fault");
    }

    @Override
    public EpochResponse renewEpoch(PodUid machine, EpochRequest request, MutationContext context) {
      throw new IllegalStateException("a fault");
    }
  }

  @Test
  void aFaultOfTheSidecarLeavesTheOutcomeOpen() throws Exception {
    Path own = authority.secret(directory.resolve("own"), Subject.SIDECAR);
    Path operator = authority.secret(directory.resolve("operator"), Subject.OPERATOR);
    try (ApiServer server =
            ApiServer.start(
                0,
                NodeTls.server(TestAuthority.read(own)),
                new Broken(),
                new Admission(1),
                new SimpleMeterRegistry());
        HttpClient client =
            HttpNodeApi.newClient(
                NodeTls.client(TestAuthority.read(operator)), Duration.ofSeconds(5))) {
      NodeApi api =
          new HttpNodeApi(
              URI.create("https://127.0.0.1:%d".formatted(server.port())),
              TestAuthority.NODE,
              client,
              HttpNodeApi.Timeouts.DEFAULT);

      assertThat(
              assertRefused(ErrorCode.Internal, () -> api.observe(new ObserveRequest(List.of())))
                  .retry())
          .isEqualTo(Retry.UNKNOWN);
      // Its place is free again.
      assertRefused(ErrorCode.Internal, () -> api.observe(new ObserveRequest(List.of())));
    }
  }
}
