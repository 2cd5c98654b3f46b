package dev.vmcheckpoint.sidecar.http;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.exc.InvalidFormatException;
import com.fasterxml.jackson.databind.exc.ValueInstantiationException;
import com.sun.net.httpserver.HttpExchange;
import dev.vmcheckpoint.node.ErrorCode;
import dev.vmcheckpoint.node.NodeApiException;
import dev.vmcheckpoint.node.Wire;
import java.io.IOException;
import java.util.Locale;
import java.util.stream.Collectors;

/** Reads a request's body, within bounds, or says what is wrong with it, and where. */
final class BodyReader {
  private BodyReader() {}

  static <T> T read(HttpExchange exchange, Class<T> type) throws IOException {
    requireJson(exchange);
    byte[] body = exchange.getRequestBody().readNBytes(Wire.MAX_REQUEST_BYTES + 1);
    if (body.length > Wire.MAX_REQUEST_BYTES) {
      throw new NodeApiException.Answered(
          ErrorCode.PayloadTooLarge,
          "the body is longer than %d bytes".formatted(Wire.MAX_REQUEST_BYTES));
    }
    try {
      return Wire.read(body, type);
    } catch (IOException e) {
      throw new NodeApiException.Answered(
          ErrorCode.InvalidRequest, "body: %s".formatted(whatIsWrong(e)));
    }
  }

  private static void requireJson(HttpExchange exchange) {
    String contentType = exchange.getRequestHeaders().getFirst("Content-Type");
    String mediaType = contentType == null ? "" : contentType.split(";", 2)[0].strip();
    if (!mediaType.toLowerCase(Locale.ROOT).equals(Wire.JSON)) {
      throw new NodeApiException.Answered(
          ErrorCode.UnsupportedMediaType,
          "Content-Type has to be %s, not '%s'".formatted(Wire.JSON, Echo.of(mediaType)));
    }
  }

  private static String whatIsWrong(IOException e) {
    return switch (e) {
      case ValueInstantiationException wrong
          when wrong.getCause() instanceof IllegalArgumentException ours ->
          member(wrong) + ours.getMessage();
      case InvalidFormatException wrong ->
          "%s'%s' is none of the possible values"
              .formatted(member(wrong), Echo.of(String.valueOf(wrong.getValue())));
      case JsonMappingException wrong ->
          member(wrong) + "missing, or not of the type that it has in the contract";
      case JsonProcessingException wrong -> "not JSON: " + Echo.of(wrong.getOriginalMessage());
      default -> "not JSON: " + Echo.of(String.valueOf(e.getMessage()));
    };
  }

  /** Where in the body it is: {@code machines[0].podUID}. */
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
}
