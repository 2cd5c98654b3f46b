package dev.vmcheckpoint.sidecar.http;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.exc.ValueInstantiationException;
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
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Makes a {@link Call} of a request, or refuses it with what is wrong where. */
final class RequestReader {
  private static final Pattern CHECKPOINT_PATH =
      Pattern.compile("/v1/machines/([^/]+)/checkpoints/([^/]+)");
  private static final int MAX_ECHO = 200;

  /**
   * @param receivedNanos {@link System#nanoTime} at which the request came in; its deadline counts
   *     from there
   */
  Call read(HttpExchange exchange, long receivedNanos) throws IOException {
    String path = exchange.getRequestURI().getRawPath();
    String method = exchange.getRequestMethod();
    if (path.equals(Wire.OBSERVE_PATH)) {
      requireMethod(exchange, List.of("POST"));
      return new Call.Observe(body(exchange, ObserveRequest.class));
    }
    Matcher matcher = CHECKPOINT_PATH.matcher(path);
    if (!matcher.matches()) {
      throw refusal(ErrorCode.NotFound, "no resource has the path %s".formatted(echo(path)));
    }
    requireMethod(exchange, List.of("PUT", "DELETE"));
    PodUid machine = valid("path", matcher.group(1), PodUid::new);
    CheckpointUid checkpoint = valid("path", matcher.group(2), CheckpointUid::new);
    MutationContext context = context(exchange);
    return method.equals("PUT")
        ? new Call.Ensure(
            machine,
            checkpoint,
            body(exchange, EnsureRequest.class),
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
                  echo(exchange.getRequestURI().getRawPath()),
                  String.join(" and ", methods),
                  echo(exchange.getRequestMethod())));
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
          ErrorCode.InvalidRequest, "header %s: '%s' is no number".formatted(name, echo(value)));
    }
  }

  private static <T> T body(HttpExchange exchange, Class<T> type) throws IOException {
    String contentType = exchange.getRequestHeaders().getFirst("Content-Type");
    String mediaType = contentType == null ? "" : contentType.split(";", 2)[0].strip();
    if (!mediaType.toLowerCase(Locale.ROOT).equals(Wire.JSON)) {
      throw refusal(
          ErrorCode.UnsupportedMediaType,
          "Content-Type has to be %s, not '%s'".formatted(Wire.JSON, echo(mediaType)));
    }
    byte[] body = exchange.getRequestBody().readNBytes(Wire.MAX_REQUEST_BYTES + 1);
    if (body.length > Wire.MAX_REQUEST_BYTES) {
      throw refusal(
          ErrorCode.PayloadTooLarge,
          "the body is longer than %d bytes".formatted(Wire.MAX_REQUEST_BYTES));
    }
    try {
      return Wire.read(body, type);
    } catch (IOException e) {
      throw refusal(ErrorCode.InvalidRequest, "body: %s".formatted(whatIsWrong(e)));
    }
  }

  private static String whatIsWrong(IOException e) {
    String where = e instanceof JsonMappingException mapping ? member(mapping) : "";
    if (e instanceof ValueInstantiationException
        && e.getCause() instanceof IllegalArgumentException ours) {
      return where + ours.getMessage();
    }
    String words =
        e instanceof JsonProcessingException json ? json.getOriginalMessage() : e.getMessage();
    return where + echo(String.valueOf(words));
  }

  private static String member(JsonMappingException e) {
    String path =
        e.getPath().stream()
            .map(
                step ->
                    step.getFieldName() == null
                        ? "[%d]".formatted(step.getIndex())
                        : "." + step.getFieldName())
            .collect(Collectors.joining());
    return path.isEmpty() ? "" : path.substring(path.startsWith(".") ? 1 : 0) + ": ";
  }

  private static <T> T valid(String where, String value, Function<String, T> type) {
    try {
      return type.apply(value);
    } catch (IllegalArgumentException e) {
      throw refusal(ErrorCode.InvalidRequest, "%s: %s".formatted(where, e.getMessage()));
    }
  }

  private static String echo(String given) {
    return given.length() <= MAX_ECHO ? given : given.substring(0, MAX_ECHO) + "...";
  }

  private static NodeApiException.Answered refusal(ErrorCode code, String detail) {
    return new NodeApiException.Answered(code, detail);
  }
}
