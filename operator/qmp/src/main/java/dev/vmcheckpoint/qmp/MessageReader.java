package dev.vmcheckpoint.qmp;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeoutException;

/**
 * Cuts what a monitor sends into messages: one JSON object a line. What a peer can make it hold is
 * bounded in bytes, depth and number of values, for the peer is a tenant's process.
 */
final class MessageReader {
  /** A real reply with 65535 bitmaps has 7 MB. */
  static final int MAX_BYTES = 16 << 20;

  /** A backing chain nests a reply by one level a layer. */
  static final int MAX_DEPTH = 512;

  /** A bitmap is 16 of them, a node about 100. */
  static final int MAX_TOKENS = 1_000_000;

  private static final ObjectMapper JSON =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNestingDepth(MAX_DEPTH)
                          .maxTokenCount(MAX_TOKENS)
                          .maxStringLength(MAX_BYTES)
                          .maxNumberLength(100)
                          .build())
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private final TimedChannel channel;
  private final ByteBuffer chunk = ByteBuffer.allocate(64 << 10).flip();
  private ByteArrayOutputStream line = new ByteArrayOutputStream();

  MessageReader(TimedChannel channel) {
    this.channel = channel;
  }

  /**
   * Waits for the next message.
   *
   * @throws EOFException where the peer closed
   * @throws TimeoutException where no whole message came in time
   * @throws QmpException.ProtocolViolated where what came is no JSON object, or too large
   */
  ObjectNode next(Deadline deadline) throws IOException, TimeoutException {
    while (!takeUpToLineFeed()) {
      chunk.clear();
      int count = channel.read(chunk, deadline);
      chunk.flip();
      if (count < 0) {
        throw new EOFException("the monitor closed the connection");
      }
    }
    byte[] message = line.toByteArray();
    line = new ByteArrayOutputStream();
    return parse(message);
  }

  /** Whether a message has begun and not ended. */
  boolean inMessage() {
    return line.size() > 0;
  }

  private boolean takeUpToLineFeed() {
    while (chunk.hasRemaining()) {
      byte next = chunk.get();
      if (next == '\n') {
        return true;
      }
      if (line.size() == MAX_BYTES) {
        throw new QmpException.ProtocolViolated(
            "the monitor sent more than %d bytes without an end of line".formatted(MAX_BYTES));
      }
      line.write(next);
    }
    return false;
  }

  private static ObjectNode parse(byte[] message) {
    JsonNode parsed;
    try {
      parsed = JSON.readTree(message);
    } catch (IOException e) {
      throw new QmpException.ProtocolViolated(
          "the monitor sent a line of %d bytes that is not JSON within bounds"
              .formatted(message.length),
          e);
    }
    if (parsed instanceof ObjectNode object) {
      return object;
    }
    throw new QmpException.ProtocolViolated(
        "the monitor sent a line of %d bytes that is not a JSON object".formatted(message.length));
  }
}
