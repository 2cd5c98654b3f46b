package dev.vmcheckpoint.qmp.machine;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.vmcheckpoint.qmp.Command;
import dev.vmcheckpoint.qmp.Deadline;
import dev.vmcheckpoint.qmp.Qmp;
import dev.vmcheckpoint.qmp.QmpException;
import dev.vmcheckpoint.qmp.Reply;
import dev.vmcheckpoint.qmp.Session;
import dev.vmcheckpoint.qmp.Timeouts;
import java.util.List;
import java.util.Set;

/** Looks at a machine; changes nothing. Used by one thread at a time. */
public final class Machine {
  /** Replies are taken one after the other, so nodes may come and go between them. */
  private static final int LOOKS = 3;

  /** A commit that is ready waits for somebody to end it, and one that has ended frees nothing. */
  private static final Set<String> COMMIT_AT_REST = Set.of("ready", "concluded");

  /** A backup that somebody else is to finalize waits for that. */
  private static final String BACKUP_AT_REST = "pending";

  private final Qmp qmp;
  private final Timeouts timeouts;

  public Machine(Qmp qmp, Timeouts timeouts) {
    this.qmp = qmp;
    this.timeouts = timeouts;
  }

  /**
   * Asks for everything anew.
   *
   * @throws QmpException where QEMU gives no usable answer before the deadline; says nothing of the
   *     machine's bitmaps
   */
  public MachineState observe(Deadline deadline) {
    Session session = new Session(qmp, timeouts, deadline);
    GuestState before = guest(session);
    List<Disk> disks = disks(session);
    // A migration may have taken the disks away while they were looked at.
    GuestState after = guest(session);
    return new MachineState(qmp.version(), before.runsGuest() ? after : before, disks);
  }

  /**
   * Asks whether this QEMU runs its guest.
   *
   * @throws QmpException as {@link #observe} does
   */
  public GuestState guest(Deadline deadline) {
    return guest(new Session(qmp, timeouts, deadline));
  }

  private GuestState guest(Session session) {
    String runState = session.run(Command.QUERY_STATUS).text("status");
    String migration = session.run(Command.QUERY_MIGRATE).optionalText("status").orElse("none");
    return GuestState.of(runState, migration, qmp.version());
  }

  /**
   * Never from {@code query-block}, which reads stored bitmaps as well; {@code query-blockstats}
   * reads nothing.
   */
  private List<Disk> disks(Session session) {
    for (int look = 1; ; look++) {
      Reply graph = session.run(Command.QUERY_BLOCKSTATS);
      // Right before what it makes safe.
      requireLayersAtRest(session.run(Command.QUERY_JOBS));
      Reply nodes =
          session.run(
              Command.QUERY_NAMED_BLOCK_NODES,
              JsonNodeFactory.instance.objectNode().put("flat", true));
      try {
        return new BlockGraph(graph, nodes).disks();
      } catch (BlockGraph.ContradictoryException e) {
        if (look == LOOKS) {
          throw new QmpException.ProtocolViolated(
              "QEMU's replies contradict each other, %d times in a row".formatted(LOOKS), e);
        }
      }
    }
  }

  /**
   * Jobs that take layers out of a backing chain can kill a QEMU that lists its nodes. It reads the
   * stored bitmaps of each from the disk, and goes on with a layer that the job's end has freed
   * meanwhile. And from the end of a stream until it is dismissed there is a filter without a
   * child, at which QEMU dies for certain; QEMU 5.2 does so at that of a backup. One that starts
   * and ends right here is not seen.
   */
  private void requireLayersAtRest(Reply jobs) {
    for (Reply job : jobs.items()) {
      String type = job.text("type");
      String status = job.text("status");
      if (isAtRest(type, status)) {
        continue;
      }
      throw new QmpException.Unsafe(
          "QEMU can die if it is looked at while it has the %s job %s (%s)"
              .formatted(type, job.text("id"), status));
    }
  }

  private boolean isAtRest(String type, String status) {
    return switch (type) {
      case "stream" -> false;
      case "commit" -> COMMIT_AT_REST.contains(status);
      case "backup" -> qmp.version().isAtLeast(7) || status.equals(BACKUP_AT_REST);
      default -> true;
    };
  }
}
