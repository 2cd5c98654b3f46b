package dev.vmcheckpoint.api;

/** Types of the conditions that the operator writes. */
public enum ConditionType {
  /** The checkpoint was established on every selected disk and none of them is lost. */
  Ready,
  /** The last probe saw every disk recording. */
  Valid,
  /** The operator is working on it; present only while True. */
  Reconciling,
  /** Only a change from outside can help; present only while True. */
  Stalled
}
