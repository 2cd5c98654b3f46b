package dev.vmcheckpoint.proof;

import dev.vmcheckpoint.proof.CheckpointSteps.Check;
import dev.vmcheckpoint.proof.CheckpointSteps.Delete;
import dev.vmcheckpoint.proof.CheckpointSteps.Make;
import dev.vmcheckpoint.proof.CopySteps.Copy;
import dev.vmcheckpoint.proof.CopySteps.Way;
import dev.vmcheckpoint.proof.GuestSteps.Change;
import dev.vmcheckpoint.proof.GuestSteps.Flush;
import dev.vmcheckpoint.proof.GuestSteps.Write;
import dev.vmcheckpoint.proof.LifeSteps.Kill;
import dev.vmcheckpoint.proof.LifeSteps.Start;
import dev.vmcheckpoint.proof.LifeSteps.Stop;
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
  START(3);

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
      case FLUSH -> List.of(new Flush(random.nextInt(2)));
      case MAKE -> List.of(make(random));
      case MAKE_AND_COPY -> List.of(make(random), copy(random));
      case DELETE -> List.of(new Delete(random.nextInt(100)));
      case COPY -> List.of(copy(random));
      case CHECK -> List.of(new Check());
      case RESTART -> List.of(new Stop(random.nextBoolean()), new Start());
      case STOP -> List.of(new Stop(random.nextBoolean()));
      case KILL -> List.of(new Kill(random.nextBoolean()), new Start());
      case START -> List.of(new Start());
    };
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
        random.nextInt(2),
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
        random.nextInt(4) == 0 ? Optional.of(random.nextInt(2)) : Optional.empty());
  }

  private static Step copy(RandomGenerator random) {
    Way[] ways = Way.values();
    return new Copy(ways[random.nextInt(ways.length)]);
  }
}
