package dev.vmcheckpoint.sidecar.http;

import com.sun.net.httpserver.HttpExchange;
import dev.vmcheckpoint.node.CheckpointUid;
import dev.vmcheckpoint.node.EnsureRequest;
import dev.vmcheckpoint.node.ErrorCode;
import dev.vmcheckpoint.node.MutationContext;
import dev.vmcheckpoint.node.NodeApiException;
import dev.vmcheckpoint.node.ObserveRequest;
import dev.vmcheckpoint.node.PodUid;
import dev.vmcheckpoint.node.Wire;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Makes a {@link Call} of a request, or refuses it with what is wrong where. */
final class RequestReader {
  private static final Pattern CHECKPOINT_PATH =
      Pattern.compile("/v1/machines/([^/]+)/checkpoints/([^/]+)");

  /**
   * @param receivedNanos {@link System#nanoTime} at which the request came in; its deadline counts
   *     from there
   */
  Call read(HttpExchange exchange, long receivedNanos) throws IOException {
    String path = exchange.getRequestURI().getRawPath();
    String method = exchange.getRequestMethod();
    if (path.equals(Wire.OBSERVE_PATH)) {
      requireMethod(exchange, List.of("POST"));
      return new Call.Observe(BodyReader.read(exchange, ObserveRequest.class));
    }
    Matcher matcher = CHECKPOINT_PATH.matcher(path);
    if (!matcher.matches()) {
      throw refusal(ErrorCode.NotFound, "no resource has the path %s".formatted(Echo.of(path)));
    }
    requireMethod(exchange, List.of("PUT", "DELETE"));
    PodUid machine = valid("path", matcher.group(1), PodUid::new);
    CheckpointUid checkpoint = valid("path", matcher.group(2), CheckpointUid::new);
    MutationContext context = context(exchange);
    return method.equals("PUT")
        ? new Call.Ensure(
            machine,
            checkpoint,
            BodyReader.read(exchange, EnsureRequest.class),
            fromNow(context, receivedNanos))
        : new Call.Remove(machine, checkpoint, fromNow(context, receivedNanos));
  }

  private static void requireMethod(HttpExchange exchange, List<String> methods) {
    if (!methods.contains(exchange.getRequestMethod())) {
      exchange.getResponseHeaders().set("Allow", String.join(", ", methods));
      throw refusal(
          ErrorCode.MethodNotAllowed,
          "%s has %s, not %s"
              .formatted(
                  Echo.of(exchange.getRequestURI().getRawPath()),
                  String.join(" and ", methods),
                  Echo.of(exchange.getRequestMethod())));
    }
  }

  private static MutationContext context(HttpExchange exchange) {
    String startId = header(exchange, MutationContext.START_ID_HEADER);
    long term = number(exchange, MutationContext.LEADER_TERM_HEADER);
    long deadlineMillis = number(exchange, MutationContext.DEADLINE_HEADER);
    try {
      return new MutationContext(startId, term, deadlineMillis);
    } catch (IllegalArgumentException e) {
      throw refusal(ErrorCode.InvalidRequest, "header %s".formatted(e.getMessage()));
    }
  }

  /** A body that came slowly has used up part of the deadline. */
  private static MutationContext fromNow(MutationContext context, long receivedNanos) {
    long left =
        context.deadlineMillis() - TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - receivedNanos);
    if (left < 1) {
      throw refusal(
          ErrorCode.DeadlineExceeded,
          "reading the request took longer than its deadline of %d ms"
              .formatted(context.deadlineMillis()));
    }
    return new MutationContext(context.startId(), context.leaderTerm(), left);
  }

  private static String header(HttpExchange exchange, String name) {
    List<String> values = exchange.getRequestHeaders().get(name);
    if (values == null || values.size() != 1) {
      throw refusal(
          ErrorCode.InvalidRequest,
          "header %s has to be there once, not %d times"
              .formatted(name, values == null ? 0 : values.size()));
    }
    return values.getFirst();
  }

  private static long number(HttpExchange exchange, String name) {
    String value = header(exchange, name);
    try {
      return Long.parseLong(value);
    } catch (NumberFormatException e) {
      throw refusal(
          ErrorCode.InvalidRequest, "header %s: '%s' is no number".formatted(name, Echo.of(value)));
    }
  }

  private static <T> T valid(String where, String value, Function<String, T> type) {
    try {
      return type.apply(value);
    } catch (IllegalArgumentException e) {
      throw refusal(ErrorCode.InvalidRequest, "%s: %s".formatted(where, e.getMessage()));
    }
  }

  private static NodeApiException.Answered refusal(ErrorCode code, String detail) {
    return new NodeApiException.Answered(code, detail);
  }
}
