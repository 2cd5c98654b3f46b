package dev.vmcheckpoint.proof;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What a device holds: a chain of images, and what the model knows of its bitmaps. */
final class Volume {
  static final int CLUSTER_BYTES = 65_536;

  private final String name;
  private final List<Path> chain = new ArrayList<>();
  private Bitmaps bitmaps = new Bitmaps();
  private long sizeBytes;

  Volume(String name, Path image, long sizeBytes) {
    this.name = name;
    this.sizeBytes = sizeBytes;
    chain.add(image);
  }

  String name() {
    return name;
  }

  /** The image that the guest writes to. */
  Path active() {
    return chain.getLast();
  }

  long sizeBytes() {
    return sizeBytes;
  }

  /** The bitmaps that the image has, as the model knows them. */
  Bitmaps bitmaps() {
    return bitmaps;
  }
}
