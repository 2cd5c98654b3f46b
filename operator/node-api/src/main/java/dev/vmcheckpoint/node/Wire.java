package dev.vmcheckpoint.node;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.datatype.jdk8.Jdk8Module;
import java.io.IOException;
import java.io.OutputStream;

/** How the calls look on the wire; both ends take it from here. */
public final class Wire {
  public static final String JSON = "application/json";

  /** Media type of a {@link Problem}, RFC 9457. */
  public static final String PROBLEM_JSON = "application/problem+json";

  public static final String OBSERVE_PATH = "/v1/machines/observe";

  /** The largest request body that a sidecar reads, in bytes. */
  public static final int MAX_REQUEST_BYTES = 256 << 10;

  /** The largest answer that a caller reads, in bytes. */
  public static final int MAX_ANSWER_BYTES = 16 << 20;

  private static final int MAX_NESTING_DEPTH = 32;

  private static final JsonMapper JSON_MAPPER = mapper();

  private Wire() {}

  /** Path of one checkpoint on one machine. */
  public static String checkpointPath(PodUid machine, CheckpointUid checkpoint) {
    return "/v1/machines/%s/checkpoints/%s".formatted(machine, checkpoint);
  }

  /**
   * Reads a body. Members that are not known are ignored; otherwise nothing is taken that the
   * record does not say: no missing or null members, no numbers as strings, nothing after the
   * document.
   *
   * @throws IOException what is wrong where, as Jackson says it
   */
  public static <T> T read(byte[] body, Class<T> type) throws IOException {
    T value = JSON_MAPPER.readValue(body, type);
    if (value == null) {
      throw MismatchedInputException.from(null, type, "null instead of an object");
    }
    return value;
  }

  /** Writes a body, and closes the stream. */
  public static void write(OutputStream out, Object body) throws IOException {
    JSON_MAPPER.writeValue(out, body);
  }

  /** A body as bytes. */
  public static byte[] bytes(Object body) {
    try {
      return JSON_MAPPER.writeValueAsBytes(body);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("no body of a call: %s".formatted(body), e);
    }
  }

  private static JsonMapper mapper() {
    JsonFactory json =
        JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .streamReadConstraints(
                StreamReadConstraints.builder().maxNestingDepth(MAX_NESTING_DEPTH).build())
            .build();
    return JsonMapper.builder(json)
        .addModule(new Jdk8Module())
        .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
        .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
        .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
        .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES)
        .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
        .enable(DeserializationFeature.FAIL_ON_NUMBERS_FOR_ENUMS)
        .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
        .build();
  }
}
