package dev.vmcheckpoint.controller.decide;

import dev.vmcheckpoint.api.DiskState;
import dev.vmcheckpoint.api.Reason;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Disk;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Image;
import dev.vmcheckpoint.controller.decide.Verdict.Judged;
import dev.vmcheckpoint.controller.decide.Verdict.Renew;
import dev.vmcheckpoint.node.BitmapObservation;
import dev.vmcheckpoint.node.DiskObservation;
import dev.vmcheckpoint.node.DiskObservation.Layer;
import dev.vmcheckpoint.node.ImageName;
import dev.vmcheckpoint.node.MachineObservation;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Judges a disk whose device holds an image. A bitmap that looks perfect may have come there
 * without everything that was written: only the markers of the image's openings tell.
 *
 * @param recorded the disk as it is on record
 * @param before the image on record, it and its layers by their files
 * @param name the bitmap's name
 * @param disk what the device shows
 * @param image the active image, in the same way
 * @param carriedOver whether the sidecar has just found what is on record in this image and marked
 *     the present opening
 */
record ImageJudge(
    Checkpoint checkpoint,
    Disk recorded,
    Image before,
    String name,
    MachineObservation machine,
    DiskObservation disk,
    Image image,
    boolean carriedOver) {

  /** Where the active image is, as seen from the one on record. */
  private enum Place {
    SAME,
    ON_TOP,
    BELOW,
    ELSEWHERE
  }

  /** How the layers below an image are, as seen from those on record. */
  private enum Chain {
    SAME,
    /** Jobs take layers out of a chain, after they moved what the layers hold. */
    SHORTER,
    /** No job does that: somebody gave the image other layers. */
    OTHER;

    static Chain of(List<String> recorded, List<String> present) {
      if (present.equals(recorded)) {
        return SAME;
      }
      Iterator<String> left = recorded.iterator();
      boolean isPart = present.stream().allMatch(file -> findNext(left, file));
      return isPart ? SHORTER : OTHER;
    }

    private static boolean findNext(Iterator<String> files, String file) {
      while (files.hasNext()) {
        if (files.next().equals(file)) {
          return true;
        }
      }
      return false;
    }

    /** Layers that have moved with their image are called otherwise, but there are as many. */
    static Chain ofMoved(List<String> recorded, List<String> present) {
      if (present.size() == recorded.size()) {
        return SAME;
      }
      return present.size() < recorded.size() ? SHORTER : OTHER;
    }
  }

  Verdict judge() {
    Optional<BitmapObservation> found = bitmapOn(disk.bitmaps());
    if (found.isEmpty()) {
      return withoutBitmap();
    }
    BitmapObservation bitmap = found.get();
    Optional<Judged> flaw = flaws().of(bitmap);
    if (flaw.isPresent()) {
      return flaw.get();
    }
    return switch (place()) {
      case SAME ->
          recordedBelow()
              .map(lower -> onTopOfRecorded(lower, bitmap))
              .orElseGet(() -> onRecordedImage(bitmap));
      case ON_TOP -> onTop(bitmap);
      case BELOW -> below(bitmap);
      case ELSEWHERE -> onAnotherImage(bitmap);
    };
  }

  private Place place() {
    if (before.file().equals(image.file())) {
      return Place.SAME;
    }
    if (image.backing().contains(before.file())) {
      return Place.ON_TOP;
    }
    return before.backing().contains(image.file()) ? Place.BELOW : Place.ELSEWHERE;
  }

  /**
   * The layer that the recorded image is by now, where an overlay has its name: somebody renamed it
   * while it was closed, or it was committed into that layer and made anew.
   */
  private Optional<String> recordedBelow() {
    if (hasRecordedMarker(disk.bitmaps()) || isRecordedOpening(disk.bitmaps())) {
      return Optional.empty();
    }
    return recordedLayer().filter(file -> bitmapOn(layer(file)).isPresent());
  }

  /**
   * The uppermost layer that has the marker of the last known opening. The transient one is left
   * below every image that was closed since, too: it tells of a commit only where the overlay on
   * top was not there before.
   */
  private Optional<String> recordedLayer() {
    boolean wasClosed =
        Markers.epochs(disk.bitmaps()).stream().anyMatch(id -> !Markers.isOpen(disk.bitmaps(), id));
    return image.backing().stream()
        .filter(
            file ->
                hasRecordedMarker(layer(file)) || (!wasClosed && isRecordedOpening(layer(file))))
        .findFirst();
  }

  private Verdict withoutBitmap() {
    return switch (place()) {
      case SAME ->
          recordedBelow()
              // An older copy of a recorded overlay has no marker that would tell it from a new
              // one.
              .filter(lower -> hasRecordedMarker(layer(lower)))
              .map(this::underOverlay)
              .orElseGet(this::goneFromRecordedImage);
      case ON_TOP -> underOverlay(before.file());
      case BELOW, ELSEWHERE ->
          unknown(
              Reason.DiskReplaced,
              "the device holds %s, recorded is %s".formatted(image.file(), before.file()));
    };
  }

  private Judged underOverlay(String recordedFile) {
    return unknown(
        Reason.OverlayOnTop,
        "%s is on top of the recorded image %s".formatted(image.file(), recordedFile));
  }

  private Judged goneFromRecordedImage() {
    return disk.bitmaps().stream().anyMatch(this::isOfAnotherDisk)
        ? unknown(
            Reason.DiskReplaced, "the device holds the image of another disk of this checkpoint")
        : absent("the bitmap is not there any more");
  }

  private boolean isOfAnotherDisk(BitmapObservation bitmap) {
    return checkpoint.owns(bitmap.name()) && !checkpoint.owns(bitmap.name(), recorded.name());
  }

  /** Absence counts only where QEMU has loaded what there is. */
  private Judged absent(String message) {
    return Absence.counts(machine)
        ? lost(Reason.BitmapMissing, message)
        : unknown(
            Reason.GuestNotRunning,
            "this QEMU may not have loaded its bitmaps before the guest runs");
  }

  private Verdict onRecordedImage(BitmapObservation bitmap) {
    if (!hasRecordedMarker(disk.bitmaps())) {
      return rolledBack();
    }
    Chain chain = Chain.of(before.backing(), image.backing());
    if (isRecordedOpening(disk.bitmaps())) {
      return inRecordedOpening(bitmap, chain);
    }
    boolean sameFiles = chain == Chain.SAME && Objects.equals(before.dataFile(), image.dataFile());
    return sameFiles ? carryOver(bitmap) : chainReplaced();
  }

  /**
   * The same opening, and the chain that is on record or a shorter one: then a job took layers out
   * of it. QEMU lists nothing for what {@code block-stream} copied into the active image, and
   * leaves it in its caches: no file has it until the image is flushed.
   */
  private Verdict inRecordedOpening(BitmapObservation bitmap, Chain chain) {
    if (chain == Chain.OTHER) {
      return onOtherLayers();
    }
    boolean isDone = carriedOver && isMarked();
    if (hasToFlush(chain) && !isDone) {
      return new Renew(recorded, Objects.requireNonNull(recorded.epoch()), List.of(), true);
    }
    return isMarked() ? recording(bitmap) : carryOver(bitmap);
  }

  private boolean hasToFlush(Chain chain) {
    return chain == Chain.SHORTER && checkpoint.mustFlush();
  }

  private Verdict onTop(BitmapObservation bitmap) {
    List<BitmapObservation> recordedLayer = layer(before.file());
    Optional<Judged> gap = gapDownTo(before.file());
    if (gap.isPresent()) {
      return gap.get();
    }
    if (!hasRecordedMarker(recordedLayer) && !hasRecordedMarker(disk.bitmaps())) {
      return rolledBack();
    }
    Chain chain = Chain.of(before.backing(), under(before.file(), image.backing()));
    return onTop(bitmap, chain, recordedLayer, hasToFlush(chain));
  }

  /**
   * The bitmap of an overlay that carries it along lists what was written since it is there: what
   * is missing below, down to the layer that was recorded.
   */
  private Optional<Judged> gapDownTo(String recordedFile) {
    if (bitmapOn(layer(recordedFile)).isEmpty()) {
      return Optional.of(
          absent(
              "the bitmap is on %s, but not on the recorded image %s below it"
                  .formatted(image.file(), recordedFile)));
    }
    for (String file : downTo(recordedFile)) {
      Optional<BitmapObservation> lower = bitmapOn(layer(file));
      if (lower.isEmpty()) {
        return Optional.of(
            unknown(
                Reason.OverlayOnTop,
                "%s, on top of the recorded image %s, is without the bitmap"
                    .formatted(file, recordedFile)));
      }
      Optional<Judged> flaw = flaws().of(lower.get());
      if (flaw.isPresent()) {
        return flaw;
      }
    }
    return Optional.empty();
  }

  /**
   * The layer under an overlay that was committed, or thrown away. What is listed further below may
   * have been merged into that overlay only.
   */
  private Verdict below(BitmapObservation bitmap) {
    Chain chain = Chain.of(under(image.file(), before.backing()), image.backing());
    boolean isListedBelow = disk.lower().stream().anyMatch(l -> bitmapOn(l.bitmaps()).isPresent());
    List<String> merge = isListedBelow ? List.of(name) : List.of();
    if (isRecordedOpening(disk.bitmaps())) {
      // It got that marker while it was below, and was not closed since: a commit has ended.
      return isListedBelow && chain != Chain.OTHER
          ? carryOver(bitmap, merge, hasToFlush(chain))
          : inRecordedOpening(bitmap, chain);
    }
    if (!hasRecordedMarker(disk.bitmaps())) {
      return rolledBack();
    }
    return chain == Chain.SAME ? carryOver(bitmap, merge, false) : chainReplaced();
  }

  /** Whether the present opening has both its markers, and no copy of the image has them. */
  private boolean isMarked() {
    return Markers.openId(disk.bitmaps()).isPresent();
  }

  private Verdict onAnotherImage(BitmapObservation bitmap) {
    if (hasRecordedMarker(disk.bitmaps())) {
      return moved(bitmap, Chain.ofMoved(before.backing(), image.backing()));
    }
    return recordedLayer()
        .map(lower -> onTopOfRecorded(lower, bitmap))
        .orElseGet(
            () ->
                lost(
                    Reason.ImageReplaced,
                    "the device holds %s, which has the bitmap, but not the marker that the recorded %s had"
                        .formatted(image.file(), before.file())));
  }

  private Verdict moved(BitmapObservation bitmap, Chain chain) {
    if (isRecordedOpening(disk.bitmaps())) {
      // A migration took both markers along, and may have left in caches what a job moved.
      return inRecordedOpening(bitmap, chain == Chain.SAME ? Chain.SHORTER : chain);
    }
    return chain == Chain.SAME ? carryOver(bitmap) : chainReplaced();
  }

  /**
   * The recorded image was moved, or was an overlay that was committed into this layer; and before
   * anybody looked, another overlay came on top.
   */
  private Verdict onTopOfRecorded(String lower, BitmapObservation bitmap) {
    Optional<Judged> gap = gapDownTo(lower);
    if (gap.isPresent()) {
      return gap.get();
    }
    List<String> present = under(lower, image.backing());
    Chain chain =
        before.backing().contains(lower)
            ? Chain.of(under(lower, before.backing()), present)
            : Chain.ofMoved(before.backing(), present);
    // In the same opening, what a commit moved there may still be in caches.
    boolean flush = checkpoint.mustFlush() && isRecordedOpening(layer(lower));
    return onTop(bitmap, chain, layer(lower), flush);
  }

  /** Of a recorded layer, the one above it all, which is active and has the bitmap. */
  private Verdict onTop(
      BitmapObservation bitmap, Chain chain, List<BitmapObservation> recorded, boolean flush) {
    if (chain != Chain.SAME && !isRecordedOpening(recorded)) {
      return chainReplaced();
    }
    return chain == Chain.OTHER ? onOtherLayers() : carryOver(bitmap, List.of(name), flush);
  }

  private Judged rolledBack() {
    return lost(
        Reason.RolledBack,
        "the image lacks the marker of its last known opening, and so what was written since");
  }

  /** The guest sees other data since, and no bitmap lists the difference. */
  private Judged onOtherLayers() {
    return lost(
        Reason.ImageReplaced,
        "the open image %s was put on %s, recorded is %s on %s"
            .formatted(image.file(), image.backing(), before.file(), before.backing()));
  }

  private Judged chainReplaced() {
    return lost(
        Reason.ImageReplaced,
        "the backing chain or the data file changed while the image was closed");
  }

  /**
   * QEMU forgets a transient marker when it closes the image, so this is still that opening. It
   * does not when it gives the image up and takes it back, as around a migration: alone the marker
   * proves nothing of an image that was active all along.
   */
  private boolean isRecordedOpening(List<BitmapObservation> layer) {
    return recorded.epoch() != null && Markers.isOpen(layer, recorded.epoch());
  }

  private boolean hasRecordedMarker(List<BitmapObservation> layer) {
    return recorded.epoch() != null && Markers.isConsistent(layer, recorded.epoch());
  }

  private Optional<BitmapObservation> bitmapOn(List<BitmapObservation> layer) {
    return layer.stream().filter(candidate -> candidate.name().equals(name)).findFirst();
  }

  private List<BitmapObservation> layer(String file) {
    return disk.lower().stream()
        .filter(layer -> ImageName.file(layer.file()).equals(file))
        .map(Layer::bitmaps)
        .findFirst()
        .orElse(List.of());
  }

  /** The layers between the active image and a lower one, and that one, top first. */
  private List<String> downTo(String file) {
    return image.backing().subList(0, image.backing().indexOf(file) + 1);
  }

  private static List<String> under(String file, List<String> chain) {
    return chain.subList(chain.indexOf(file) + 1, chain.size());
  }

  private Verdict carryOver(BitmapObservation bitmap) {
    return carryOver(bitmap, List.of(), false);
  }

  /** The marker on record came along into an opening that is not on record. */
  private Verdict carryOver(BitmapObservation bitmap, List<String> merge, boolean flush) {
    if (carriedOver && isMarked()) {
      return recording(bitmap);
    }
    // What an overlay carries along is counted once it is merged.
    Optional<Judged> loss =
        merge.isEmpty() ? loss(bitmap) : flaws().ofSize(disk.virtualSizeBytes());
    return loss.isPresent()
        ? loss.get()
        : new Renew(recorded, Objects.requireNonNull(recorded.epoch()), merge, flush);
  }

  private Verdict recording(BitmapObservation bitmap) {
    Optional<Judged> loss = loss(bitmap);
    return loss.isPresent() ? loss.get() : new Judged(anew(bitmap));
  }

  private Optional<Judged> loss(BitmapObservation bitmap) {
    return flaws().ofSize(disk.virtualSizeBytes()).or(() -> flaws().ofCount(bitmap));
  }

  /** The disk as it is recorded anew. */
  private Disk anew(BitmapObservation bitmap) {
    return new Disk(
        recorded.name(),
        DiskState.Recording,
        Reason.Recording,
        null,
        recorded.bitmap(),
        Markers.openId(disk.bitmaps()).orElseThrow(),
        disk.blockNode(),
        DiskJudge.imageOf(disk.image().orElseThrow()),
        disk.virtualSizeBytes(),
        bitmap.granularityBytes(),
        dirtyBytes(recorded.dirtyBytes(), bitmap.dirtyBytes()));
  }

  /** Exact for somebody who asked; else written anew only when it matters. */
  private long dirtyBytes(@Nullable Long dirty, long seen) {
    if (dirty == null || checkpoint.probeIsPending()) {
      return seen;
    }
    boolean hasDoubled = dirty == 0 ? seen > 0 : seen / 2 >= dirty;
    return hasDoubled ? seen : dirty;
  }

  private Flaws flaws() {
    return new Flaws(recorded);
  }

  private Judged unknown(Reason reason, String message) {
    return Verdicts.unknown(recorded, reason, message);
  }

  private Judged lost(Reason reason, String message) {
    return Verdicts.lost(recorded, reason, message);
  }
}
