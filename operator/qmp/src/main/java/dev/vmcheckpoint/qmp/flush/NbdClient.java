package dev.vmcheckpoint.qmp.flush;

import dev.vmcheckpoint.qmp.Deadline;
import dev.vmcheckpoint.qmp.TimedChannel;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeoutException;

/**
 * As much of the NBD protocol as a flush needs: the fixed newstyle handshake, {@code NBD_OPT_GO}
 * and {@code NBD_CMD_FLUSH} with simple replies. All numbers are big endian, as {@link ByteBuffer}
 * has them.
 */
final class NbdClient implements AutoCloseable {
  private static final long NBDMAGIC = 0x4e42444d41474943L;
  private static final long IHAVEOPT = 0x49484156454f5054L;
  private static final int FLAG_FIXED_NEWSTYLE = 1;

  private static final int OPT_GO = 7;
  private static final long OPTION_REPLY_MAGIC = 0x3e889045565a9L;
  private static final int REP_ACK = 1;
  private static final int REP_INFO = 3;
  private static final int INFO_EXPORT = 0;
  private static final int SEND_FLUSH = 1 << 2;
  private static final int MAX_OPTION_REPLIES = 16;
  private static final int MAX_OPTION_REPLY_BYTES = 8 << 10;

  private static final int REQUEST_MAGIC = 0x25609513;
  private static final int SIMPLE_REPLY_MAGIC = 0x67446698;
  private static final short CMD_FLUSH = 3;
  private static final long COOKIE = 1;

  private final TimedChannel channel;

  private NbdClient(TimedChannel channel) {
    this.channel = channel;
  }

  /**
   * Waits for a server's greeting.
   *
   * @param channel a connected channel in blocking mode; closed with the client, and where this
   *     call fails
   * @throws IOException where the peer is no NBD server of the newstyle kind, or breaks off
   */
  static NbdClient greet(SocketChannel channel, Deadline deadline)
      throws IOException, TimeoutException {
    NbdClient client = new NbdClient(new TimedChannel(channel));
    try {
      ByteBuffer greeting = client.read(18, deadline);
      if (greeting.getLong() != NBDMAGIC
          || greeting.getLong() != IHAVEOPT
          || (greeting.getShort() & FLAG_FIXED_NEWSTYLE) == 0) {
        throw new IOException("the peer is no NBD server with the fixed newstyle handshake");
      }
      client.channel.write(ByteBuffer.allocate(4).putInt(FLAG_FIXED_NEWSTYLE).flip(), deadline);
      return client;
    } catch (IOException | TimeoutException e) {
      client.close();
      throw e;
    }
  }

  /**
   * Chooses an export.
   *
   * @throws IOException where the server does not have it, or the export takes no flushes
   */
  void go(String export, Deadline deadline) throws IOException, TimeoutException {
    byte[] name = export.getBytes(StandardCharsets.UTF_8);
    ByteBuffer option = ByteBuffer.allocate(16 + 4 + name.length + 2);
    option.putLong(IHAVEOPT).putInt(OPT_GO).putInt(4 + name.length + 2);
    option.putInt(name.length).put(name).putShort((short) 0);
    channel.write(option.flip(), deadline);
    int exportFlags = 0;
    for (int replies = 0; replies < MAX_OPTION_REPLIES; replies++) {
      ByteBuffer header = read(20, deadline);
      if (header.getLong() != OPTION_REPLY_MAGIC || header.getInt() != OPT_GO) {
        throw new IOException("the NBD server's reply to NBD_OPT_GO is malformed");
      }
      int type = header.getInt();
      ByteBuffer data = read(boundedLength(header.getInt()), deadline);
      if (type == REP_ACK) {
        if ((exportFlags & SEND_FLUSH) == 0) {
          throw new IOException("the NBD export %s takes no flushes".formatted(export));
        }
        return;
      }
      if (type != REP_INFO) {
        throw new IOException(
            "the NBD server refused the export %s (reply type 0x%x)".formatted(export, type));
      }
      if (data.remaining() >= 12 && data.getShort() == INFO_EXPORT) {
        data.getLong(); // its size
        exportFlags = data.getShort();
      }
    }
    throw new IOException("the NBD server answers NBD_OPT_GO without an end");
  }

  private static int boundedLength(int length) throws IOException {
    if (length < 0 || length > MAX_OPTION_REPLY_BYTES) {
      throw new IOException(
          "the NBD server announced a reply of %s bytes"
              .formatted(Integer.toUnsignedString(length)));
    }
    return length;
  }

  /**
   * Flushes the export.
   *
   * @throws IOException where the flush failed, or the connection broke
   * @throws TimeoutException where it did not return in time; it goes on in the server
   */
  void flush(Deadline deadline) throws IOException, TimeoutException {
    ByteBuffer request = ByteBuffer.allocate(28);
    request.putInt(REQUEST_MAGIC).putShort((short) 0).putShort(CMD_FLUSH);
    request.putLong(COOKIE).putLong(0).putInt(0);
    channel.write(request.flip(), deadline);
    ByteBuffer reply = read(16, deadline);
    int magic = reply.getInt();
    int error = reply.getInt();
    if (magic != SIMPLE_REPLY_MAGIC || reply.getLong() != COOKIE) {
      throw new IOException("the NBD server's reply to NBD_CMD_FLUSH is malformed");
    }
    if (error != 0) {
      throw new IOException("the flush failed (NBD error %d)".formatted(error));
    }
  }

  private ByteBuffer read(int length, Deadline deadline) throws IOException, TimeoutException {
    ByteBuffer bytes = ByteBuffer.allocate(length);
    while (bytes.hasRemaining()) {
      if (channel.read(bytes, deadline) < 0) {
        throw new EOFException("the NBD server closed the connection");
      }
    }
    return bytes.flip();
  }

  @Override
  public void close() {
    channel.close();
  }
}
