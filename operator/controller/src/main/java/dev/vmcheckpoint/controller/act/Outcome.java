package dev.vmcheckpoint.controller.act;

import dev.vmcheckpoint.controller.decide.Troubles.Trouble;

/**
 * How an action ended.
 *
 * @param <T> what it brings
 */
public sealed interface Outcome<T> {

  /** The sidecar answered. */
  record Done<T>(T answer) implements Outcome<T> {}

  /** It failed, or may have: there is something to tell. */
  record Failed<T>(Trouble trouble) implements Outcome<T> {}

  /** What it was decided on does not hold any longer: nothing was done, and nothing is to tell. */
  record LookAgain<T>() implements Outcome<T> {}
}
