package dev.vmcheckpoint.controller.prune;

import dev.vmcheckpoint.api.WellKnown;
import java.util.AbstractList;
import java.util.List;
import java.util.Objects;

/**
 * The operator's finalizer at its place among others, of which nothing is kept: the place is needed
 * to take it away.
 */
final class Finalizers extends AbstractList<String> {
  private static final String ANOTHER = "";

  private final int place;

  private Finalizers(int place) {
    this.place = place;
  }

  /** Empty where ours is not among them. */
  static List<String> of(List<String> all) {
    int place = all.indexOf(WellKnown.FINALIZER);
    return place < 0 ? List.of() : new Finalizers(place);
  }

  @Override
  public String get(int index) {
    return Objects.checkIndex(index, size()) == place ? WellKnown.FINALIZER : ANOTHER;
  }

  @Override
  public int size() {
    return place + 1;
  }
}
