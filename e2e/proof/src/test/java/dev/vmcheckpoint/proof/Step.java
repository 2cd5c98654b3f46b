package dev.vmcheckpoint.proof;

/**
 * One thing that happens in a history. It is complete in itself and knows nothing of what came
 * before, so that steps can be left out of a history and the others stay what they are.
 */
interface Step {
  /**
   * Takes the step.
   *
   * @return whether it could be taken in this state of the world; otherwise nothing has happened
   */
  boolean take(World world);
}
