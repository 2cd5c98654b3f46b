package dev.vmcheckpoint.proof;

import dev.vmcheckpoint.proof.CheckpointSteps.Check;
import dev.vmcheckpoint.proof.CheckpointSteps.Make;
import dev.vmcheckpoint.proof.CopySteps.Copy;
import dev.vmcheckpoint.proof.CopySteps.Way;
import dev.vmcheckpoint.proof.GuestSteps.Change;
import dev.vmcheckpoint.proof.GuestSteps.Write;
import dev.vmcheckpoint.proof.InterferenceSteps.Disable;
import dev.vmcheckpoint.proof.InterferenceSteps.LateCreation;
import dev.vmcheckpoint.proof.LayerSteps.CarriedSnapshot;
import dev.vmcheckpoint.proof.LayerSteps.Commit;
import dev.vmcheckpoint.proof.LayerSteps.Snapshot;
import dev.vmcheckpoint.proof.LayerSteps.Stream;
import dev.vmcheckpoint.proof.LifeSteps.Kill;
import dev.vmcheckpoint.proof.LifeSteps.Start;
import dev.vmcheckpoint.proof.LifeSteps.Stop;
import dev.vmcheckpoint.proof.OfflineSteps.Revert;
import dev.vmcheckpoint.proof.OfflineSteps.Save;
import dev.vmcheckpoint.proof.OfflineSteps.SaveInUse;
import dev.vmcheckpoint.proof.fixture.Fault;
import java.util.List;
import java.util.Optional;

/** A way to break the system, and a history that passes only while it is whole. */
enum Mutation {
  /** Ready without a flush. */
  NO_FLUSH(".*the checkpoint lied: .*"),
  /** Recording again after a stream without a flush. */
  NO_FLUSH_AFTER_STREAM(".*the checkpoint lied: .*"),
  /** The same where the streamed layer had been committed into, with no look in between. */
  NO_FLUSH_AFTER_COMMIT_AND_STREAM(".*the checkpoint lied: .*"),
  /** A disabled bitmap is taken for one that records. */
  IGNORE_RECORDING(".*expected is \\[Lost\\].*\"state\":\"Recording\".*"),
  /** A bitmap of a QEMU that was killed is taken for a good one. */
  IGNORE_INCONSISTENT(".*expected is \\[Lost\\].*\"state\":\"Recording\".*"),
  /**
   * A bitmap that is missing is made anew: the markers tell the operator, so the proof looks
   * itself.
   */
  ADD_AGAIN(".*which was made after checkpoint .* was established"),
  /** No opening of an image is told from another. */
  NO_EPOCH(".*expected is \\[Lost\\].*\"state\":\"Recording\".*"),
  /** An opening is not marked anew once a copy of the image can have its marker. */
  IGNORE_STORED(".*expected is \\[Lost\\].*\"state\":\"Recording\".*"),
  /** A bitmap of a creation that came too late is taken for that of the one that counts. */
  FORGET_THE_ATTEMPT(".*expected is \\[Lost\\].*\"state\":\"Recording\".*"),
  /** What was asked for is taken for done. */
  TRUST_THE_REPLY(".*vda should have a healthy bitmap .*"),
  /** What was seen once is taken for what is there. */
  TRUST_THE_MEMORY(".*expected is \\[Lost\\].*\"state\":\"Recording\".*");

  private final String noticedAs;

  Mutation(String noticedAs) {
    this.noticedAs = noticedAs;
  }

  /** What the proof says of it, as a regular expression. */
  String noticedAs() {
    return noticedAs;
  }

  History history() {
    return History.of(
        switch (this) {
          case NO_FLUSH -> List.of(write(1), make(), new Copy(Way.FILE), new Check());
          case NO_FLUSH_AFTER_STREAM ->
              List.of(
                  write(1),
                  new Snapshot(0),
                  new Make(Optional.empty(), Optional.of(0), true),
                  new Stream(0),
                  new Copy(Way.FILE),
                  new Check());
          case NO_FLUSH_AFTER_COMMIT_AND_STREAM ->
              List.of(
                  write(1),
                  new Snapshot(0),
                  new Make(Optional.empty(), Optional.of(0), true),
                  new CarriedSnapshot(0),
                  new Check(),
                  new Commit(0, 1),
                  new Stream(0),
                  new Copy(Way.FILE),
                  new Check());
          case IGNORE_RECORDING ->
              List.of(make(), new Copy(Way.NBD), new Disable(0), write(1), new Check());
          case IGNORE_INCONSISTENT ->
              List.of(
                  make(), new Stop(false), new Start(), new Kill(false), new Start(), new Check());
          case ADD_AGAIN ->
              List.of(
                  make(), new Copy(Way.NBD), write(1), new Kill(true), new Start(), new Check());
          case NO_EPOCH ->
              // The bitmap lists as much before as after: only an opening tells that it went back.
              List.of(
                  make(),
                  write(1),
                  new Stop(false),
                  new Save(0),
                  new Start(),
                  write(2),
                  new Copy(Way.NBD),
                  new Stop(false),
                  new Revert(0),
                  new Start(),
                  new Check());
          case IGNORE_STORED ->
              // What is saved has the marker of the opening that goes on; and in the end the bitmap
              // lists as much as when it was seen.
              List.of(
                  make(),
                  new Snapshot(0),
                  new SaveInUse(0),
                  new Commit(0, 0),
                  write(1),
                  new Copy(Way.NBD),
                  new Stop(false),
                  new Revert(0),
                  new Start(),
                  new Write(Change.WRITE, 0, Volume.CLUSTER_BYTES, 2 * Volume.CLUSTER_BYTES, 2),
                  new Commit(0, 0),
                  new Check());
          case FORGET_THE_ATTEMPT ->
              List.of(make(), new Copy(Way.NBD), new LateCreation(0), write(1), new Check());
          case TRUST_THE_REPLY -> List.of(make(), new Check());
          case TRUST_THE_MEMORY ->
              List.of(make(), new Check(), new Kill(false), new Start(), new Check());
        });
  }

  /** A new one for each machine. */
  Fault fault() {
    return switch (this) {
      case NO_FLUSH -> Faults.noFlush();
      case NO_FLUSH_AFTER_STREAM, NO_FLUSH_AFTER_COMMIT_AND_STREAM -> Faults.noSecondFlush();
      case IGNORE_RECORDING -> Faults.ignoreRecording();
      case IGNORE_INCONSISTENT -> Faults.ignoreInconsistent();
      case ADD_AGAIN -> Faults.addAgain();
      case NO_EPOCH -> Faults.noEpoch();
      case IGNORE_STORED -> Faults.ignoreStored();
      case FORGET_THE_ATTEMPT -> Faults.forgetTheAttempt();
      case TRUST_THE_REPLY -> Faults.trustTheReply();
      case TRUST_THE_MEMORY -> Faults.trustTheMemory();
    };
  }

  private static Step write(int pattern) {
    return new Write(Change.WRITE, 0, 0, Volume.CLUSTER_BYTES, pattern);
  }

  private static Step make() {
    return new Make(Optional.empty(), Optional.empty(), true);
  }
}
