package dev.vmcheckpoint.controller.decide;

import dev.vmcheckpoint.node.BitmapObservation;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The bitmaps that mark the openings of an image: a persistent one, which travels with the image,
 * and a transient one, which QEMU forgets when it closes the image.
 */
final class Markers {
  private static final String OPEN = "vmcp-open.";
  private static final String EPOCH = "vmcp-epoch.";

  /** The ids that a sidecar draws; no other is ever sent to one. */
  private static final String ID = "[0-9a-z]{1,64}";

  private Markers() {}

  /**
   * The id of the present opening; empty where it is not marked, or where the image lists the
   * persistent marker already: a copy that is made of it meanwhile has the marker, and lacks what
   * is written from then on, so another opening has to be marked.
   */
  static Optional<String> openId(List<BitmapObservation> layer) {
    return openIds(layer).filter(id -> isToBeStored(layer, id)).findFirst();
  }

  private static boolean isToBeStored(List<BitmapObservation> layer, String id) {
    return persistent(layer, id)
        .anyMatch(marker -> !marker.inconsistent() && !marker.stored().orElse(false));
  }

  /** Whether a name is a marker's, and not that of a checkpoint's bitmap. */
  static boolean isMarker(String name) {
    return name.startsWith(OPEN) || name.startsWith(EPOCH);
  }

  /** Whether a layer has not been closed since it got the transient marker of that opening. */
  static boolean isOpen(List<BitmapObservation> layer, String id) {
    return openIds(layer).anyMatch(id::equals);
  }

  private static Stream<String> openIds(List<BitmapObservation> layer) {
    return layer.stream()
        .filter(bitmap -> !bitmap.persistent())
        .flatMap(bitmap -> id(bitmap, OPEN).stream());
  }

  /** Whether a layer has the persistent marker of that opening, and it says what it seems to. */
  static boolean isConsistent(List<BitmapObservation> layer, String id) {
    return persistent(layer, id).anyMatch(marker -> !marker.inconsistent());
  }

  private static Stream<BitmapObservation> persistent(List<BitmapObservation> layer, String id) {
    return layer.stream()
        .filter(bitmap -> id(bitmap, EPOCH).equals(Optional.of(id)))
        .filter(BitmapObservation::persistent);
  }

  /** Whether a layer has that marker in a form that can prove nothing any more. */
  static boolean isInconsistent(List<BitmapObservation> layer, String id) {
    return layer.stream()
        .filter(bitmap -> id(bitmap, EPOCH).equals(Optional.of(id)))
        .anyMatch(BitmapObservation::inconsistent);
  }

  /** The ids of all persistent markers of a layer. */
  static List<String> epochs(List<BitmapObservation> layer) {
    return layer.stream().flatMap(bitmap -> id(bitmap, EPOCH).stream()).toList();
  }

  private static Optional<String> id(BitmapObservation bitmap, String prefix) {
    return Optional.of(bitmap.name())
        .filter(name -> name.startsWith(prefix))
        .map(name -> name.substring(prefix.length()))
        .filter(id -> id.matches(ID));
  }
}
