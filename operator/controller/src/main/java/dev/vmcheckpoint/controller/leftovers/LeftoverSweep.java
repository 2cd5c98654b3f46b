package dev.vmcheckpoint.controller.leftovers;

import static java.util.stream.Collectors.groupingBy;

import dev.vmcheckpoint.api.VirtualMachineCheckpoint;
import dev.vmcheckpoint.controller.act.Actions;
import dev.vmcheckpoint.controller.act.Attempts;
import dev.vmcheckpoint.controller.act.Outcome;
import dev.vmcheckpoint.controller.decide.Leftover;
import dev.vmcheckpoint.controller.decide.Observation;
import dev.vmcheckpoint.controller.decide.Observation.Seen;
import dev.vmcheckpoint.controller.decide.Sweep;
import dev.vmcheckpoint.controller.lead.Leadership;
import dev.vmcheckpoint.controller.observe.Observer;
import dev.vmcheckpoint.controller.schedule.Rounds;
import io.javaoperatorsdk.operator.processing.event.source.AbstractEventSource;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Removes what is on record as left behind when its machine is seen again, and nothing else: that a
 * checkpoint is not there is no evidence that a bitmap is of no use. It wakes nobody; it is an
 * event source because those are started and stopped with the operator.
 */
public final class LeftoverSweep extends AbstractEventSource<Leftover, VirtualMachineCheckpoint> {
  private static final Logger LOG = LoggerFactory.getLogger(LeftoverSweep.class);

  private final Leftovers leftovers;
  private final Observer observer;
  private final Actions actions;
  private final Attempts attempts;
  private final Leadership leadership;
  private final Clock clock;
  private final Sightings sightings = new Sightings(Actions.MAY_BEGIN_FOR);
  private final Rounds rounds;

  private record Machine(String namespace, String name) {
    @Override
    public String toString() {
      return namespace + "/" + name;
    }
  }

  /**
   * @param attempts when a machine may be looked at again, by {@code namespace/name}
   * @param interval time between two rounds
   */
  public LeftoverSweep(
      Leftovers leftovers,
      Observer observer,
      Actions actions,
      Attempts attempts,
      Leadership leadership,
      Duration interval,
      Clock clock) {
    super(Leftover.class, "leftover-sweep");
    this.leftovers = leftovers;
    this.observer = observer;
    this.actions = actions;
    this.attempts = attempts;
    this.leadership = leadership;
    this.clock = clock;
    this.rounds = new Rounds("leftover-sweep", interval, this::round);
  }

  @Override
  public synchronized void start() {
    super.start();
    rounds.start();
  }

  @Override
  public synchronized void stop() {
    super.stop();
    rounds.close();
  }

  @Override
  public Set<Leftover> getSecondaryResources(VirtualMachineCheckpoint primary) {
    return Set.of();
  }

  private void round() {
    if (leadership.isLeading()) {
      Map<Machine, List<Leftover>> byMachine =
          leftovers.all().stream()
              .collect(groupingBy(left -> new Machine(left.namespace(), left.machine())));
      byMachine.forEach(this::startSweeping);
    }
  }

  private void startSweeping(Machine machine, List<Leftover> left) {
    if (attempts.toWait(machine.toString()).isZero()
        && observer.mayRun(machine.namespace(), machine.name())) {
      rounds.begin(machine, () -> sweepOrWait(machine, left));
    }
  }

  private void sweepOrWait(Machine machine, List<Leftover> left) {
    boolean clean = false;
    try {
      clean = sweep(machine, left);
    } finally {
      if (clean) {
        attempts.forget(machine.toString());
      } else {
        attempts.failed(machine.toString());
      }
    }
  }

  /** Returns whether nothing is left. */
  private boolean sweep(Machine machine, List<Leftover> left) {
    Instant began = clock.instant();
    Observation observation = observer.look(machine.namespace(), machine.name());
    if (observation instanceof Seen) {
      left.forEach(leftover -> sightings.seen(leftover, clock.instant()));
    }
    boolean clean = true;
    for (Leftover leftover : left) {
      clean &=
          switch (Sweep.decide(leftover, observation)) {
            case Sweep.Wait _ -> false;
            case Sweep.Settled(var remaining) -> settle(leftover, remaining, began);
            case Sweep.Remove(var seen) -> remove(leftover, seen, began);
          };
    }
    return clean;
  }

  private boolean remove(Leftover leftover, Seen seen, Instant began) {
    return actions.remove(leftover, seen) instanceof Outcome.Done(var response)
        && settle(leftover, Sweep.remaining(leftover.bitmaps(), seen, response), began);
  }

  /** Returns whether nothing is left. */
  private boolean settle(Leftover leftover, List<Leftover.Bitmap> remaining, Instant began) {
    if (remaining.isEmpty() && !sightings.mayGrow(leftover, began)) {
      leftovers.settled(leftover);
      sightings.forget(leftover);
      LOG.info(
          "Nothing is left any more of checkpoint {} of machine {}/{}",
          leftover.checkpoint(),
          leftover.namespace(),
          leftover.machine());
      return true;
    }
    if (!remaining.equals(leftover.bitmaps())) {
      leftovers.record(leftover.with(remaining));
    }
    return false;
  }
}
