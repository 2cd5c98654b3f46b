package dev.vmcheckpoint.qmp.checkpoint;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.vmcheckpoint.qmp.Command;
import dev.vmcheckpoint.qmp.Deadline;
import dev.vmcheckpoint.qmp.Qmp;
import dev.vmcheckpoint.qmp.QmpException;
import dev.vmcheckpoint.qmp.Session;
import dev.vmcheckpoint.qmp.Timeouts;
import dev.vmcheckpoint.qmp.checkpoint.BitmapAt.Place;
import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.BitmapBusy;
import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.DeadlineExceeded;
import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.FlushPending;
import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.GuestNotRunning;
import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.Migrating;
import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.OutcomeUnknown;
import dev.vmcheckpoint.qmp.checkpoint.CheckpointException.Refused;
import dev.vmcheckpoint.qmp.flush.FlushException;
import dev.vmcheckpoint.qmp.flush.Flusher;
import dev.vmcheckpoint.qmp.machine.Bitmap;
import dev.vmcheckpoint.qmp.machine.Disk;
import dev.vmcheckpoint.qmp.machine.Disk.Layer;
import dev.vmcheckpoint.qmp.machine.GuestState;
import dev.vmcheckpoint.qmp.machine.Machine;
import dev.vmcheckpoint.qmp.machine.MachineState;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/** The looks at a machine and the changes to its bitmaps that one operation makes. */
final class Changes {
  private final Qmp qmp;
  private final Timeouts timeouts;
  private final Deadline deadline;
  private final Machine machine;

  Changes(Qmp qmp, Timeouts timeouts, Deadline deadline) {
    this.qmp = qmp;
    this.timeouts = timeouts;
    this.deadline = deadline;
    this.machine = new Machine(qmp, timeouts);
  }

  Deadline deadline() {
    return deadline;
  }

  /** A look before anything was changed. */
  MachineState lookBefore() {
    MachineState state;
    try {
      state = machine.observe(deadline);
    } catch (QmpException.DeadlinePassed e) {
      throw new DeadlineExceeded("the deadline passed before anything was changed");
    }
    requireGuest(state.guest());
    return state;
  }

  private static void requireGuest(GuestState guest) {
    if (guest.migrationPending()) {
      throw new Migrating("a migration is pending (%s)".formatted(guest.migration()));
    }
    if (!guest.runsGuest()) {
      throw new GuestNotRunning(
          "this QEMU does not run the guest (run state %s, migration %s)"
              .formatted(guest.runState(), guest.migration()));
    }
  }

  /** A look after changes, whose absence or failure leaves their outcome unknown. */
  MachineState lookAfter() {
    MachineState state;
    try {
      state = machine.observe(deadline);
    } catch (QmpException e) {
      throw new OutcomeUnknown("bitmaps were changed, and could not be looked at then", e);
    }
    requireGuestStill(state.guest());
    return state;
  }

  /** Asks after changes whether this QEMU still runs the guest, for otherwise they mean nothing. */
  void requireGuestStill() {
    try {
      requireGuestStill(machine.guest(deadline));
    } catch (QmpException e) {
      throw new OutcomeUnknown("bitmaps were changed, and the run state not learnt then", e);
    }
  }

  private static void requireGuestStill(GuestState guest) {
    if (!guest.runsGuest()) {
      throw new OutcomeUnknown(
          "bitmaps were changed while this QEMU ceased to run the guest (run state %s, migration %s)"
              .formatted(guest.runState(), guest.migration()));
    }
  }

  /** Adds bitmaps in one transaction, which waits for the requests in flight on every disk. */
  void addAtOnce(List<Addition> additions) {
    ArrayNode actions = JsonNodeFactory.instance.arrayNode();
    for (Addition addition : additions) {
      actions
          .addObject()
          .put("type", Command.BLOCK_DIRTY_BITMAP_ADD.wireName())
          .set("data", addition.arguments());
    }
    run(
        Command.TRANSACTION,
        JsonNodeFactory.instance.objectNode().set("actions", actions),
        additions);
  }

  /** Adds bitmaps one by one, which waits for nothing; takes them back where one is refused. */
  void addOneByOne(List<Addition> additions) {
    for (Addition addition : additions) {
      run(Command.BLOCK_DIRTY_BITMAP_ADD, addition.arguments(), additions);
    }
  }

  private void run(Command command, ObjectNode arguments, List<Addition> additions) {
    try {
      new Session(qmp, timeouts, deadline).run(command, arguments);
    } catch (QmpException.DeadlinePassed e) {
      takeBack(additions);
      throw new DeadlineExceeded(
          "the deadline passed before all bitmaps were added; those added are removed again");
    } catch (QmpException.Refused e) {
      takeBack(additions);
      throw new Refused("QEMU refused to add the bitmaps: %s".formatted(e.description()), e);
    } catch (QmpException e) {
      throw new OutcomeUnknown("it is not known whether the bitmaps were added", e);
    }
  }

  /** Merges what lower layers list into a bitmap, which waits for nothing. */
  void merge(Merge merge) {
    try {
      new Session(qmp, timeouts, deadline).run(Command.BLOCK_DIRTY_BITMAP_MERGE, merge.arguments());
    } catch (QmpException.DeadlinePassed e) {
      throw new DeadlineExceeded(
          "the deadline passed before all bitmaps were merged; repeating it does no harm");
    } catch (QmpException.Refused e) {
      throw new Refused(
          "QEMU refused to merge what lower layers list into the bitmap %s of disk %s: %s"
              .formatted(merge.target().name(), merge.target().disk(), e.description()),
          e);
    } catch (QmpException e) {
      throw new OutcomeUnknown(
          "it is not known whether the bitmap %s of disk %s was merged"
              .formatted(merge.target().name(), merge.target().disk()),
          e);
    }
  }

  /** What was begun is ended, so this has time of its own. */
  private void takeBack(List<Addition> additions) {
    Deadline grace = Deadline.after(timeouts.change());
    try {
      MachineState now = machine.observe(grace);
      for (Addition addition : additions) {
        boolean present =
            now.disks().stream()
                .filter(disk -> disk.blockNode().equals(addition.bitmap().node()))
                .anyMatch(disk -> BitmapAt.find(disk, addition.bitmap().name()).isPresent());
        if (present) {
          new Session(qmp, timeouts, grace)
              .run(Command.BLOCK_DIRTY_BITMAP_REMOVE, addition.bitmap().arguments());
        }
      }
    } catch (QmpException e) {
      throw new OutcomeUnknown("not all bitmaps could be added, nor all of them removed again", e);
    }
  }

  /**
   * Flushes the active image of each of the disks, once it is changed, and the layers below that
   * are open for writing: a job may have moved data into them, and QEMU does not pass a flush on to
   * a backing image. It flushes a layer by itself before that becomes read-only.
   */
  void flush(List<Disk> disks, Flusher flusher) {
    Set<String> flushed = new HashSet<>();
    for (Disk disk : disks) {
      Stream.concat(
              Stream.of(disk.blockNode()),
              disk.backing().stream().filter(Layer::writable).map(Layer::node))
          .filter(flushed::add)
          .forEach(node -> flush(disk, node, flusher));
    }
  }

  private void flush(Disk disk, String node, Flusher flusher) {
    try {
      flusher.flush(node, deadline);
    } catch (FlushException e) {
      throw new FlushPending("disk %s: %s".formatted(disk.name(), e.getMessage()), disk.name(), e);
    } catch (QmpException e) {
      throw new OutcomeUnknown(
          "the bitmaps were changed, and then QEMU was lost while disk %s was being flushed"
              .formatted(disk.name()),
          e);
    }
  }

  /**
   * Removes bitmaps one by one. In a transaction that is then aborted QEMU deletes them from the
   * image all the same.
   */
  void remove(MachineState seen, List<BitmapAt> bitmaps) {
    requireIdle(bitmaps, seen);
    boolean changed = false;
    for (BitmapAt bitmap : bitmaps) {
      remove(bitmap, changed);
      changed = true;
    }
  }

  /** Refuses bitmaps of which one could not be changed now. */
  static void requireIdle(List<BitmapAt> bitmaps, MachineState seen) {
    Set<Place> busy = new HashSet<>();
    for (Disk disk : seen.disks()) {
      disk.bitmaps().stream()
          .filter(Bitmap::busy)
          .forEach(bitmap -> busy.add(BitmapAt.of(disk, bitmap).place()));
    }
    for (BitmapAt bitmap : bitmaps) {
      if (busy.contains(bitmap.place())) {
        throw new BitmapBusy(
            "a job or an export uses the bitmap %s of disk %s"
                .formatted(bitmap.name(), bitmap.disk()));
      }
    }
  }

  private void remove(BitmapAt bitmap, boolean changed) {
    try {
      new Session(qmp, timeouts, deadline)
          .run(Command.BLOCK_DIRTY_BITMAP_REMOVE, bitmap.arguments());
    } catch (QmpException.DeadlinePassed e) {
      throw new DeadlineExceeded(
          changed
              ? "the deadline passed before all bitmaps were removed"
              : "the deadline passed before anything was changed");
    } catch (QmpException.Refused e) {
      judgeRefusal(lookAfter(), bitmap, e);
    } catch (QmpException e) {
      throw new OutcomeUnknown(
          "it is not known whether the bitmap %s of disk %s was removed"
              .formatted(bitmap.name(), bitmap.disk()),
          e);
    }
  }

  private static void judgeRefusal(
      MachineState now, BitmapAt bitmap, QmpException.Refused refusal) {
    if (bitmap.in(now).isEmpty()) {
      return;
    }
    requireIdle(List.of(bitmap), now);
    throw new Refused(
        "QEMU refused to remove the bitmap %s of disk %s: %s"
            .formatted(bitmap.name(), bitmap.disk(), refusal.description()),
        refusal);
  }
}
