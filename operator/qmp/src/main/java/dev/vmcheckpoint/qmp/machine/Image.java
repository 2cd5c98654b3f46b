package dev.vmcheckpoint.qmp.machine;

import java.util.List;
import java.util.Optional;

/**
 * Where a disk's content is stored, by the file names that QEMU reports.
 *
 * @param file the active image
 * @param backing its backing chain, top first; empty where there is none
 * @param dataFile its external data file
 */
public record Image(String file, List<String> backing, Optional<String> dataFile) {
  public Image {
    backing = List.copyOf(backing);
  }
}
