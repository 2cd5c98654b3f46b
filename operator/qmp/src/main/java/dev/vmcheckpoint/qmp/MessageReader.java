package dev.vmcheckpoint.qmp;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.TimeoutException;

/**
 * Cuts what a monitor sends into messages: one JSON object a line. What a peer can make it hold is
 * bounded in bytes, depth and number of values, and in memory together with what other peers make
 * it hold, for a peer is a tenant's process.
 */
final class MessageReader {
  /** A real reply with 65535 bitmaps has 7 MB. */
  static final int MAX_BYTES = 16 << 20;

  /** A backing chain nests a reply by one level a layer. */
  static final int MAX_DEPTH = 512;

  /** A bitmap is 16 of them, a node about 100. */
  static final int MAX_TOKENS = 1_000_000;

  /** Of one text; file names that QEMU composes are the longest. */
  static final int MAX_TEXT = 64 << 10;

  /** As long as many events, in bytes. */
  private static final int SHORT_LINE = 512;

  /** What a byte of a line takes while its buffer grows, in bytes. */
  private static final int MEMORY_PER_BYTE = 3;

  /** What a token takes as a node of a tree, in bytes. */
  private static final int MEMORY_PER_TOKEN = 64;

  private static final ObjectMapper JSON =
      JsonMapper.builder(
              JsonFactory.builder()
                  // A peer's names would stay in the process.
                  .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNestingDepth(MAX_DEPTH)
                          .maxTokenCount(MAX_TOKENS)
                          .maxStringLength(MAX_TEXT)
                          .maxNumberLength(100)
                          .build())
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private final TimedChannel channel;
  private final ReplyMemory.Share memory;
  private final ByteBuffer chunk = ByteBuffer.allocate(16 << 10).flip();
  private byte[] line = new byte[1 << 10];
  private int length;
  private long bytesRead;

  MessageReader(TimedChannel channel, ReplyMemory.Share memory) {
    this.channel = channel;
    this.memory = memory;
  }

  /**
   * Waits for the next message.
   *
   * @throws EOFException where the peer closed
   * @throws TimeoutException where no whole message came in time
   * @throws QmpException.ProtocolViolated where what came is no JSON object, or too large
   * @throws QmpException.TimedOut where the memory for it was not free in time
   */
  ObjectNode next(Deadline deadline) throws IOException, TimeoutException {
    while (!takeUpToLineFeed(deadline)) {
      readChunk(deadline);
    }
    try {
      return parse(deadline);
    } finally {
      length = 0;
      line = new byte[1 << 10];
    }
  }

  @SuppressWarnings("ThreadPriorityCheck") // Nothing relies on it but fairness.
  private void readChunk(Deadline deadline) throws IOException, TimeoutException {
    // A peer that sends without a pause would keep other virtual threads from running.
    Thread.yield();
    chunk.clear();
    int count = channel.read(chunk, deadline);
    chunk.flip();
    if (count < 0) {
      throw new EOFException("the monitor closed the connection");
    }
    bytesRead += count;
  }

  /** Whether a message has begun and not ended. */
  boolean inMessage() {
    return length > 0;
  }

  /** How many bytes have come since the connection was opened. */
  long bytesRead() {
    return bytesRead;
  }

  private boolean takeUpToLineFeed(Deadline deadline) {
    int begin = chunk.position();
    int end = begin;
    while (end < chunk.limit() && chunk.get(end) != '\n') {
      end++;
    }
    append(end - begin, deadline);
    boolean ended = chunk.hasRemaining();
    if (ended) {
      chunk.get(); // the line feed
    }
    return ended;
  }

  private void append(int count, Deadline deadline) {
    if (length + count > MAX_BYTES) {
      throw new QmpException.ProtocolViolated(
          "the monitor sent more than %d bytes without an end of line".formatted(MAX_BYTES));
    }
    memory.fit((long) (length + count) * MEMORY_PER_BYTE, deadline);
    if (length + count > line.length) {
      line = Arrays.copyOf(line, Math.max(length + count, 2 * line.length));
    }
    chunk.get(line, length, count);
    length += count;
  }

  /** Only what fits into the memory becomes a tree. */
  private ObjectNode parse(Deadline deadline) {
    JsonNode parsed;
    try {
      long bytes = (long) length * MEMORY_PER_BYTE + (long) tokens() * MEMORY_PER_TOKEN;
      memory.fit(bytes, deadline);
      memory.end(bytes);
      parsed = JSON.readTree(line, 0, length);
    } catch (IOException e) {
      throw new QmpException.ProtocolViolated(
          "the monitor sent a line of %d bytes that is not JSON within bounds".formatted(length),
          e);
    }
    if (parsed instanceof ObjectNode object) {
      return object;
    }
    throw new QmpException.ProtocolViolated(
        "the monitor sent a line of %d bytes that is not a JSON object".formatted(length));
  }

  /** How many there are, or a greater number where it does not matter. */
  private int tokens() throws IOException {
    if (length <= SHORT_LINE) {
      return length;
    }
    int tokens = 0;
    try (JsonParser parser = JSON.createParser(line, 0, length)) {
      while (parser.nextToken() != null) {
        tokens++;
      }
    }
    return tokens;
  }
}
