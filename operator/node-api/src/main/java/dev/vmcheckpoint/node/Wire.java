package dev.vmcheckpoint.node;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.datatype.jdk8.Jdk8Module;

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

  private Wire() {}

  /** Path of one checkpoint on one machine. */
  public static String checkpointPath(PodUid machine, CheckpointUid checkpoint) {
    return "/v1/machines/%s/checkpoints/%s".formatted(machine, checkpoint);
  }

  /**
   * A mapper that ignores members it does not know and takes nothing else that a record does not
   * say: no missing or null members, no numbers as strings, nothing after the document. Safe for
   * use by several threads.
   */
  public static JsonMapper mapper() {
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
