package dev.vmcheckpoint.api;

/** Names that are part of the API beside the resource's own members. */
public final class WellKnown {
  /** The API group. */
  public static final String GROUP = "vmcheckpoint.dev";

  /** The API version. */
  public static final String VERSION = "v1alpha1";

  /**
   * Annotation by which a tool asks for a probe. The probe was handled when {@code
   * status.lastHandledProbeAt} equals the annotation's value.
   */
  public static final String PROBE_REQUESTED_AT = GROUP + "/probe-requested-at";

  /** Finalizer that lets the operator remove the bitmaps before the resource goes. */
  public static final String FINALIZER = GROUP + "/bitmaps";

  /** Label of a pod that runs a virtual machine: the machine's name. */
  public static final String VIRTUAL_MACHINE_LABEL = GROUP + "/virtual-machine";

  /**
   * Field manager of everything that the operator applies; conditions would stay behind a rename.
   */
  public static final String FIELD_MANAGER = "vmcheckpoint-operator";

  private WellKnown() {}
}
