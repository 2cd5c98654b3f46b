package dev.vmcheckpoint.proof;

import dev.vmcheckpoint.proof.CheckpointSteps.Check;
import dev.vmcheckpoint.proof.CheckpointSteps.Delete;
import dev.vmcheckpoint.proof.CheckpointSteps.Make;
import dev.vmcheckpoint.proof.CopySteps.BeginCopy;
import dev.vmcheckpoint.proof.CopySteps.Copy;
import dev.vmcheckpoint.proof.CopySteps.EndCopy;
import dev.vmcheckpoint.proof.CopySteps.Way;
import dev.vmcheckpoint.proof.CrashSteps.Crash;
import dev.vmcheckpoint.proof.CrashSteps.Who;
import dev.vmcheckpoint.proof.GuestSteps.Change;
import dev.vmcheckpoint.proof.GuestSteps.Flush;
import dev.vmcheckpoint.proof.GuestSteps.Write;
import dev.vmcheckpoint.proof.InterferenceSteps.BeginBackup;
import dev.vmcheckpoint.proof.InterferenceSteps.BeginServer;
import dev.vmcheckpoint.proof.InterferenceSteps.Disable;
import dev.vmcheckpoint.proof.InterferenceSteps.EndBackup;
import dev.vmcheckpoint.proof.InterferenceSteps.EndServer;
import dev.vmcheckpoint.proof.InterferenceSteps.ForeignBitmap;
import dev.vmcheckpoint.proof.InterferenceSteps.LateCreation;
import dev.vmcheckpoint.proof.LayerSteps.CarriedSnapshot;
import dev.vmcheckpoint.proof.LayerSteps.Commit;
import dev.vmcheckpoint.proof.LayerSteps.Mirror;
import dev.vmcheckpoint.proof.LayerSteps.Snapshot;
import dev.vmcheckpoint.proof.LayerSteps.Stream;
import dev.vmcheckpoint.proof.LifeSteps.Kill;
import dev.vmcheckpoint.proof.LifeSteps.Reset;
import dev.vmcheckpoint.proof.LifeSteps.Start;
import dev.vmcheckpoint.proof.LifeSteps.Stop;
import dev.vmcheckpoint.proof.MigrationSteps.Migrate;
import dev.vmcheckpoint.proof.OfflineSteps.Move;
import dev.vmcheckpoint.proof.OfflineSteps.OfflineCommit;
import dev.vmcheckpoint.proof.OfflineSteps.Revert;
import dev.vmcheckpoint.proof.OfflineSteps.Save;
import dev.vmcheckpoint.proof.OfflineSteps.SaveInUse;
import dev.vmcheckpoint.proof.OfflineSteps.Swap;
import dev.vmcheckpoint.proof.OfflineSteps.ThrowAwayTop;
import dev.vmcheckpoint.proof.PlugSteps.PlugNew;
import dev.vmcheckpoint.proof.PlugSteps.Replug;
import dev.vmcheckpoint.proof.PlugSteps.Unplug;
import dev.vmcheckpoint.proof.ResizeSteps.Grow;
import dev.vmcheckpoint.proof.ResizeSteps.Shrink;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;

/** What a random history is made of: single steps, and some that belong together. */
enum Fragment {
  WRITE(40),
  FLUSH(5),
  MAKE(10),
  MAKE_AND_COPY(8),
  DELETE(4),
  COPY(8),
  CHECK(10),
  RESTART(6),
  STOP(2),
  KILL(2),
  START(3),
  OVERLAY(4),
  OVERLAY_AND_COMMIT(4),
  COMMIT(4),
  STREAM(3),
  MIRROR(1),
  OFFLINE(4),
  MOVE(2),
  SAVE_AND_REVERT(4),
  SWAP_AND_BACK(2),
  GROW(3),
  SHRINK(2),
  UNPLUG(3),
  REPLUG(3),
  PLUG_NEW(2),
  FOREIGN_BITMAP(3),
  BACKUP(3),
  FOREIGN_SERVER(2),
  DISABLE(2),
  LATE_CREATION(2),
  CRASH(3),
  MIGRATE(5),
  CARRIED_OVERLAY(5),
  RESET(2),
  SAVE_IN_USE_AND_REVERT(2),
  SAVE_BELOW_AND_REVERT(3),
  LONG_COPY(8);

  /** Of any number of devices that there can be, so that each is as likely. */
  private static final int MULTIPLE_OF_DEVICES = 6;

  private final int weight;

  Fragment(int weight) {
    this.weight = weight;
  }

  /** How often it comes, relative to others. */
  int weight() {
    return weight;
  }

  List<Step> steps(RandomGenerator random) {
    return switch (this) {
      case WRITE -> List.of(write(random));
      case FLUSH -> List.of(new Flush(device(random)));
      case MAKE -> List.of(make(random));
      case MAKE_AND_COPY -> List.of(make(random), copy(random));
      case DELETE -> List.of(new Delete(random.nextInt(100)));
      case COPY -> List.of(copy(random));
      case CHECK -> List.of(new Check());
      case RESTART -> List.of(new Stop(random.nextBoolean()), new Start());
      case STOP -> List.of(new Stop(random.nextBoolean()));
      case KILL -> List.of(new Kill(random.nextBoolean()), new Start());
      case START -> List.of(new Start());
      case OVERLAY -> List.of(new Snapshot(device(random)));
      case OVERLAY_AND_COMMIT -> overlayAndCommit(random);
      case COMMIT -> List.of(new Commit(device(random), random.nextInt(4)));
      case STREAM -> stream(random);
      case MIRROR -> List.of(new Mirror(device(random)));
      case OFFLINE -> offline(random);
      case MOVE -> List.of(new Stop(random.nextBoolean()), new Move(device(random)), new Start());
      case SAVE_AND_REVERT -> saveAndRevert(random);
      case SWAP_AND_BACK -> swapAndBack(random);
      case GROW -> List.of(new Grow(device(random), 1 + random.nextInt(20)));
      case SHRINK -> List.of(new Shrink(device(random), 1 + random.nextInt(10)));
      case UNPLUG -> unplug(random);
      case REPLUG -> List.of(new Replug());
      case PLUG_NEW -> List.of(new PlugNew(16 + random.nextInt(20)));
      case FOREIGN_BITMAP ->
          List.of(new ForeignBitmap(device(random), random.nextBoolean(), random.nextBoolean()));
      case BACKUP ->
          List.of(
              new BeginBackup(random.nextInt(100)),
              write(random),
              new Check(),
              write(random),
              new EndBackup(),
              new Check());
      case FOREIGN_SERVER ->
          List.of(new BeginServer(), write(random), make(random), copy(random), new EndServer());
      case DISABLE -> List.of(new Disable(device(random)));
      case LATE_CREATION -> List.of(new LateCreation(device(random)));
      case MIGRATE ->
          List.of(write(random), new Migrate(random.nextBoolean()), write(random), new Check());
      case CRASH -> List.of(crash(random), random.nextBoolean() ? make(random) : new Check());
      case CARRIED_OVERLAY -> List.of(new CarriedSnapshot(device(random)));
      case RESET -> List.of(new Reset(), new Check());
      case SAVE_IN_USE_AND_REVERT -> saveInUseAndRevert(random);
      case SAVE_BELOW_AND_REVERT -> saveBelowAndRevert(random);
      case LONG_COPY -> longCopy(random);
    };
  }

  private static int device(RandomGenerator random) {
    return random.nextInt(MULTIPLE_OF_DEVICES);
  }

  private static List<Step> unplug(RandomGenerator random) {
    Step unplug = new Unplug(1 + 2 * random.nextInt(3));
    return random.nextBoolean()
        ? List.of(unplug, new Check())
        : List.of(unplug, write(random), new Check(), new Replug(), write(random));
  }

  private static Step crash(RandomGenerator random) {
    Who[] all = Who.values();
    return new Crash(all[random.nextInt(all.length)], random.nextInt(250));
  }

  private static List<Step> overlayAndCommit(RandomGenerator random) {
    int device = device(random);
    return List.of(
        new Snapshot(device), write(random), write(random), new Commit(device, random.nextInt(4)));
  }

  /** Of an overlay that is there, or of a new one. */
  private static List<Step> stream(RandomGenerator random) {
    int device = device(random);
    return switch (random.nextInt(3)) {
      case 0 -> List.of(new Stream(device));
      case 1 -> List.of(new Snapshot(device), write(random), new Stream(device), write(random));
      default ->
          List.of(
              new CarriedSnapshot(device),
              write(random),
              new Check(),
              new Stream(device),
              write(random),
              new Check());
    };
  }

  private static List<Step> offline(RandomGenerator random) {
    int device = device(random);
    Step offline =
        switch (random.nextInt(3)) {
          case 0 -> new Save(device);
          case 1 -> new OfflineCommit(device);
          default -> new ThrowAwayTop(device);
        };
    Step before =
        switch (random.nextInt(3)) {
          case 0 -> new Snapshot(device);
          case 1 -> new CarriedSnapshot(device);
          default -> write(random);
        };
    return List.of(before, write(random), new Stop(random.nextBoolean()), offline, new Start());
  }

  /** While a tool copies, anything else happens. */
  private static List<Step> longCopy(RandomGenerator random) {
    List<Fragment> others = List.copyOf(EnumSet.complementOf(EnumSet.of(LONG_COPY)));
    Fragment meanwhile = others.get(random.nextInt(others.size()));
    List<Step> steps = new ArrayList<>(meanwhile.steps(random));
    steps.addFirst(new BeginCopy());
    steps.addLast(new EndCopy());
    return steps;
  }

  private static List<Step> saveAndRevert(RandomGenerator random) {
    int device = device(random);
    return List.of(
        new Stop(random.nextBoolean()),
        new Save(device),
        new Start(),
        write(random),
        random.nextInt(4) > 0 ? copy(random) : write(random),
        write(random),
        new Stop(random.nextBoolean()),
        new Revert(device),
        new Start());
  }

  private static List<Step> saveInUseAndRevert(RandomGenerator random) {
    int device = device(random);
    return List.of(
        new SaveInUse(device),
        write(random),
        copy(random),
        new Stop(random.nextBoolean()),
        new Revert(device),
        new Start(),
        new Check());
  }

  /** The usual backup of a tool that knows no bitmaps, and later a return to it. */
  private static List<Step> saveBelowAndRevert(RandomGenerator random) {
    int device = device(random);
    int into = random.nextInt(4);
    return List.of(
        random.nextBoolean() ? new Snapshot(device) : new CarriedSnapshot(device),
        random.nextBoolean() ? new Check() : write(random),
        new SaveInUse(device),
        new Commit(device, into),
        write(random),
        copy(random),
        new Stop(random.nextBoolean()),
        new Revert(device),
        new Start(),
        write(random),
        write(random),
        new Commit(device, into),
        new Check());
  }

  private static List<Step> swapAndBack(RandomGenerator random) {
    return List.of(
        new Stop(random.nextBoolean()),
        new Swap(),
        new Start(),
        write(random),
        new Check(),
        new Stop(random.nextBoolean()),
        new Swap(),
        new Start());
  }

  private static Step write(RandomGenerator random) {
    Change change =
        switch (random.nextInt(8)) {
          case 0 -> Change.ZERO;
          case 1 -> Change.DISCARD;
          default -> Change.WRITE;
        };
    return new Write(
        change,
        device(random),
        random.nextInt(1 << 16) * 512L,
        (1 + random.nextInt(random.nextBoolean() ? 8 : 400)) * 512L,
        1 + random.nextInt(255));
  }

  private static Step make(RandomGenerator random) {
    return new Make(
        switch (random.nextInt(4)) {
          case 0 -> Optional.of("4Ki");
          case 1 -> Optional.of("512");
          default -> Optional.empty();
        },
        random.nextInt(4) == 0 ? Optional.of(device(random)) : Optional.empty(),
        random.nextInt(6) > 0);
  }

  private static Step copy(RandomGenerator random) {
    Way[] ways = Way.values();
    return new Copy(ways[random.nextInt(ways.length)]);
  }
}
