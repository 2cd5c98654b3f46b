package dev.vmcheckpoint.proof;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What a device holds: a chain of images, and what the model knows of their bitmaps. */
final class Volume {
  static final int CLUSTER_BYTES = 65_536;

  private final List<Layer> chain = new ArrayList<>();
  private long sizeBytes;
  private int openings;
  private int epochs;
  private int commits;

  /** One image of the chain. */
  record Layer(Path file, Bitmaps bitmaps) {
    Layer copy() {
      return new Layer(file, bitmaps.copy());
    }
  }

  /**
   * A volume as it was once.
   *
   * @param copies where each image of the chain was copied to
   */
  record Saved(List<Layer> chain, List<Path> copies, long sizeBytes, int epochs) {}

  Volume(Path image, long sizeBytes) {
    this.sizeBytes = sizeBytes;
    chain.add(new Layer(image, new Bitmaps()));
  }

  /** The image that the guest writes to. */
  Path active() {
    return chain.getLast().file();
  }

  /** The bitmaps of the active image. */
  Bitmaps bitmaps() {
    return chain.getLast().bitmaps();
  }

  /** Its images, the active one last. */
  List<Layer> chain() {
    return List.copyOf(chain);
  }

  long sizeBytes() {
    return sizeBytes;
  }

  void resize(long bytes) {
    sizeBytes = bytes;
    bitmaps().truncate(bytes);
  }

  /** How often QEMU has opened it. */
  int openings() {
    return openings;
  }

  /** How often layers were committed. */
  int commits() {
    return commits;
  }

  /**
   * How often its present opening was marked, or has to be. A copy that is made before is known by
   * that.
   */
  int epochs() {
    return epochs;
  }

  void open() {
    openings++;
    beginEpoch();
  }

  /** QEMU has stored the bitmaps of the active image since it opened it. */
  void beginEpoch() {
    epochs++;
  }

  /** QEMU closed it in order. */
  void close() {
    chain.forEach(layer -> layer.bitmaps().close());
  }

  /** QEMU was killed; what is below the active image was only read. */
  void kill() {
    bitmaps().kill();
    close();
  }

  /** A new image is on top, with these bitmaps. */
  void push(Path file, Bitmaps bitmaps) {
    chain.add(new Layer(file, bitmaps));
  }

  /** The active image is not used any more. */
  void throwAwayTop() {
    chain.removeLast();
  }

  /** What is above a layer was written into it. */
  void commitInto(int layer) {
    commits++;
    for (Layer above : chain.subList(layer + 1, chain.size())) {
      chain.get(layer).bitmaps().writeAllOf(above.bitmaps());
    }
    chain.subList(layer + 1, chain.size()).clear();
  }

  /** The active image has all data now. */
  void dropBelow() {
    chain.subList(0, chain.size() - 1).clear();
  }

  /** All data are in another image now. */
  void replace(Path file, Bitmaps bitmaps) {
    chain.clear();
    push(file, bitmaps);
  }

  /**
   * Keeps what it is now, while QEMU has it open: what is in its caches is in no copy, bitmaps and
   * what they list among it.
   */
  Saved saveInUse(List<Path> copies) {
    List<Layer> layers = new ArrayList<>(chain.stream().map(Layer::copy).toList());
    layers.add(new Layer(active(), layers.removeLast().bitmaps().copyInUse()));
    layers.forEach(layer -> layer.bitmaps().close());
    return new Saved(layers, copies, sizeBytes, epochs);
  }

  /** Keeps what it is now. */
  Saved save(List<Path> copies) {
    return new Saved(chain.stream().map(Layer::copy).toList(), copies, sizeBytes, epochs);
  }

  /** Is again what it was. */
  void revert(Saved saved) {
    chain.clear();
    saved.chain().forEach(layer -> chain.add(layer.copy()));
    sizeBytes = saved.sizeBytes();
  }
}
