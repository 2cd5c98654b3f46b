package dev.vmcheckpoint.node;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import java.util.Optional;

/**
 * Where a disk's content is stored, by the file names that QEMU reports.
 *
 * @param file the active image
 * @param backing its backing chain, top first; empty where there is none
 * @param dataFile its external data file
 */
public record DiskImage(
    String file,
    List<String> backing,
    @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<String> dataFile) {
  public DiskImage {
    backing = List.copyOf(backing);
  }
}
