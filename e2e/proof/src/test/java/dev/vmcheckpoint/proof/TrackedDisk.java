package dev.vmcheckpoint.proof;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** One disk of an established checkpoint, what was said of it, and its base copies. */
final class TrackedDisk {
  /** Of the base copies of a disk only the oldest and the newest are kept. */
  private static final int MOST_BASES = 2;

  private final String device;
  private final String bitmap;
  private final Volume volume;
  private final boolean flushed;
  private final List<Content> bases = new ArrayList<>();
  private final Path firstImage;
  private final int firstOpening;
  private final int commitsBefore;
  private int seenOpening;
  private int seenEpoch;
  private Rollback rollback = Rollback.NONE;
  private boolean chainChanged;
  private boolean leftBelow;
  private boolean mayHaveBeenLost;
  private boolean shrunk;
  private boolean wasLost;
  private JsonNode said = MissingNode.getInstance();

  /**
   * A disk of a checkpoint that has just been established.
   *
   * @param volume what the device holds then
   * @param flushed whether copies of its files are whole
   */
  TrackedDisk(String device, String bitmap, Volume volume, boolean flushed) {
    this.device = device;
    this.bitmap = bitmap;
    this.volume = volume;
    this.flushed = flushed;
    firstImage = volume.active();
    firstOpening = volume.openings();
    commitsBefore = volume.commits();
    seenOpening = firstOpening;
    seenEpoch = volume.epochs();
  }

  /** The image that was active when it was established. */
  Path firstImage() {
    return firstImage;
  }

  /** In which opening of the volume it was established. */
  int firstOpening() {
    return firstOpening;
  }

  /** How many commits the volume had seen when it was established. */
  int commitsBefore() {
    return commitsBefore;
  }

  /** Whether the disk was reverted to a time before it was last seen; the surest is last. */
  enum Rollback {
    /** It was not. */
    NONE,
    /** Only the system may know that it was there in the meantime: no tool has asked. */
    PERHAPS,
    /** It was, by going back to a lower layer. */
    LEFT_ABOVE,
    /** It was. */
    CERTAIN
  }

  String device() {
    return device;
  }

  String bitmap() {
    return bitmap;
  }

  /** What the device held when the checkpoint was made. */
  Volume volume() {
    return volume;
  }

  /** Whether copies of its files are whole, and not only those that are made through QEMU. */
  boolean isFlushed() {
    return flushed;
  }

  /** Copies from which a restore must be exact while the disk is Recording. */
  List<Content> bases() {
    return bases;
  }

  void addBase(Content base) {
    if (bases.size() == MOST_BASES) {
      bases.removeLast();
    }
    bases.add(base);
  }

  /** Takes note of the disk in a status. */
  void isSaid(JsonNode now) {
    if (!now.path("bitmap").asText().equals(bitmap)) {
      throw new AssertionError(
          "bitmap %s of disk %s has changed: %s".formatted(bitmap, device, now));
    }
    if (isLost() && !now.path("state").asText().equals("Lost")) {
      throw new AssertionError("Lost is final, but disk %s is now %s".formatted(device, now));
    }
    wasLost = isLost();
    said = now;
  }

  /** It was seen Recording after a handled probe. */
  void isSeen() {
    if (rollback.compareTo(Rollback.PERHAPS) <= 0) {
      seenOpening = volume.openings();
      seenEpoch = volume.epochs();
      rollback = Rollback.NONE;
      chainChanged = false;
      leftBelow = false;
      mayHaveBeenLost = false;
    }
  }

  Rollback rollback() {
    return rollback;
  }

  /** The volume is again what it was in one of its epochs. */
  void isRolledBackTo(int epoch) {
    if (seenEpoch > epoch) {
      isAtLeast(Rollback.CERTAIN);
    } else if (rollback == Rollback.LEFT_ABOVE) {
      // The layers above are back.
      rollback = Rollback.PERHAPS;
    } else if (volume.epochs() > epoch) {
      isAtLeast(Rollback.PERHAPS);
    }
  }

  /**
   * The active image, with the disk's bitmap, is not used any more: whatever is below is older.
   * Whether that is known depends on whether it was seen.
   */
  void isLeftAbove() {
    isAtLeast(recordedImage().equals(volume.active()) ? Rollback.LEFT_ABOVE : Rollback.PERHAPS);
  }

  private void isAtLeast(Rollback sure) {
    if (rollback.compareTo(sure) < 0) {
      rollback = sure;
    }
  }

  /** The active image lies on others now than it did when it was recorded. */
  void setChainChanged() {
    chainChanged = true;
  }

  /** Whether that has happened, and a new opening as well, since a tool has asked. */
  boolean isChainChangedUnseen() {
    return chainChanged && seenOpening < volume.openings();
  }

  /** The layers below the active image are gone, and with them what was not merged before. */
  void isStreamed() {
    setChainChanged();
    leftBelow |= !recordedImage().equals(volume.active());
  }

  /** Whether the list of a lower layer may have gone before it was merged. */
  boolean isPerhapsLeftBelow() {
    return leftBelow;
  }

  /** The operator looks when it likes, and what it finds lost then is so for ever. */
  void setMayHaveBeenLost() {
    mayHaveBeenLost = true;
  }

  /** Whether it was so at some time since it was last seen Recording. */
  boolean mayHaveBeenLost() {
    return mayHaveBeenLost;
  }

  /** Whether it was seen to be smaller than it was when it was recorded. */
  boolean isShrunk() {
    return shrunk;
  }

  void setShrunk() {
    shrunk = true;
  }

  /** The image that the status names. */
  Path recordedImage() {
    return Path.of(said.path("image").path("file").asText());
  }

  /** The opening that the status names. */
  String epoch() {
    return said.path("epoch").asText();
  }

  String state() {
    return said.path("state").asText();
  }

  String reason() {
    return said.path("reason").asText();
  }

  boolean isLost() {
    return state().equals("Lost");
  }

  /** Whether it was called Lost before the last status. */
  boolean wasLost() {
    return wasLost;
  }

  boolean isRecording() {
    return state().equals("Recording");
  }

  @Override
  public String toString() {
    return "disk %s (bitmap %s), %s".formatted(device, bitmap, said);
  }
}
