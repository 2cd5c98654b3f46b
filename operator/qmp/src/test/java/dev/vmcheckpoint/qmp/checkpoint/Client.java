package dev.vmcheckpoint.qmp.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.vmcheckpoint.qmp.Command;
import dev.vmcheckpoint.qmp.Deadline;
import dev.vmcheckpoint.qmp.Event;
import dev.vmcheckpoint.qmp.ExpectedEvent;
import dev.vmcheckpoint.qmp.QemuVersion;
import dev.vmcheckpoint.qmp.Qmp;
import dev.vmcheckpoint.qmp.QmpConnection;
import dev.vmcheckpoint.qmp.Timeouts;
import dev.vmcheckpoint.qmp.fixture.Qemu;
import dev.vmcheckpoint.qmp.flush.MonitorVolume;
import dev.vmcheckpoint.qmp.flush.NodeFlusher;
import dev.vmcheckpoint.qmp.machine.Disk;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/** A caller of {@link Checkpoints}, which can act between their commands. */
final class Client implements AutoCloseable {
  static final CheckpointUid UID = new CheckpointUid("0a1b2c3d-1111-2222-3333-444455556666");

  private static final Duration LONG = Duration.ofSeconds(30);
  private static final Timeouts PATIENCE = new Timeouts(LONG, LONG, LONG, LONG);

  /** What hangs in a test hangs on purpose; but what does not may be slow on a busy machine. */
  private static final Duration SHORT = Duration.ofSeconds(2);

  private static final Timeouts IMPATIENCE = new Timeouts(LONG, LONG, SHORT, SHORT);

  private final QmpConnection connection;
  private final List<String> sent = new ArrayList<>();
  private final Checkpoints checkpoints;

  private Client(Qemu qemu, MonitorVolume volume, Between between, Timeouts timeouts) {
    this.connection = QmpConnection.open(qemu.connect(), timeouts.negotiation());
    Qmp qmp = new Interposed(connection, sent, between);
    this.checkpoints = new Checkpoints(qmp, new NodeFlusher(qmp, volume, timeouts), timeouts);
  }

  static Client of(Qemu qemu) {
    return with(qemu, new Between() {});
  }

  static Client with(Qemu qemu, MonitorVolume volume) {
    return new Client(qemu, volume, new Between() {}, PATIENCE);
  }

  static Client with(Qemu qemu, Between between) {
    return new Client(qemu, MonitorVolume.of(qemu.socket()), between, PATIENCE);
  }

  /** One that gives up a change or a flush that hangs after 2 s. */
  static Client impatient(Qemu qemu) {
    return impatient(qemu, new Between() {});
  }

  static Client impatient(Qemu qemu, MonitorVolume volume) {
    return new Client(qemu, volume, new Between() {}, IMPATIENCE);
  }

  static Client impatient(Qemu qemu, Between between) {
    return new Client(qemu, MonitorVolume.of(qemu.socket()), between, IMPATIENCE);
  }

  Ensured ensure(String... disks) {
    return ensure(Barrier.FLUSH, disks);
  }

  Ensured ensure(Barrier barrier, String... disks) {
    return ensure(UID, OptionalLong.empty(), barrier, disks);
  }

  Ensured ensure(
      CheckpointUid checkpoint, OptionalLong granularityBytes, Barrier barrier, String... disks) {
    return checkpoints.ensure(
        checkpoint,
        List.of(disks),
        _ -> true,
        granularityBytes,
        barrier,
        Deadline.after(Duration.ofSeconds(30)));
  }

  Ensured ensure(Deadline deadline, String... disks) {
    return checkpoints.ensure(
        UID, List.of(disks), _ -> true, OptionalLong.empty(), Barrier.FLUSH, deadline);
  }

  /** Of a caller who knows of other bitmaps than there are. */
  Ensured ensureUnknowing(String... disks) {
    return checkpoints.ensure(
        UID,
        List.of(disks),
        _ -> false,
        OptionalLong.empty(),
        Barrier.FLUSH,
        Deadline.after(Duration.ofSeconds(30)));
  }

  Removal remove() {
    return remove(UID);
  }

  Removal remove(CheckpointUid checkpoint) {
    return remove(checkpoint, Deadline.after(Duration.ofSeconds(30)));
  }

  Removal remove(CheckpointUid checkpoint, Deadline deadline) {
    return checkpoints.remove(checkpoint, deadline);
  }

  Removal removeOne(String bitmap) {
    return checkpoints.remove(UID, bitmap, Deadline.after(Duration.ofSeconds(30)));
  }

  List<Disk> renew(Renewal... renewals) {
    return renew(Deadline.after(Duration.ofSeconds(30)), renewals);
  }

  List<Disk> renew(Deadline deadline, Renewal... renewals) {
    return checkpoints.renew(List.of(renewals), deadline);
  }

  /** The names of the commands that were sent, but for queries. */
  List<String> changes() {
    return sent;
  }

  @Override
  public void close() {
    connection.close();
  }

  /** What happens around a command. */
  interface Between {
    default void before(Command command) {}

    default void after(Command command) {}

    /** Something that happens before the first command of a kind is sent. */
    static Between before(Command wanted, Runnable action) {
      return new Between() {
        private boolean done;

        @Override
        public void before(Command command) {
          if (command == wanted && !done) {
            done = true;
            action.run();
          }
        }
      };
    }

    /** Something that happens after the first command of a kind was answered. */
    static Between after(Command wanted, Runnable action) {
      return new Between() {
        private boolean done;

        @Override
        public void after(Command command) {
          if (command == wanted && !done) {
            done = true;
            action.run();
          }
        }
      };
    }
  }

  private record Interposed(Qmp qmp, List<String> sent, Between between) implements Qmp {
    @Override
    public JsonNode execute(Command command, ObjectNode arguments, Duration timeout) {
      between.before(command);
      if (command.effect() == Command.Effect.CHANGE) {
        sent.add(command.wireName());
      }
      JsonNode result = qmp.execute(command, arguments, timeout);
      between.after(command);
      return result;
    }

    @Override
    public ExpectedEvent expect(Event event, String id) {
      return qmp.expect(event, id);
    }

    @Override
    public QemuVersion version() {
      return qmp.version();
    }
  }
}
