package dev.vmcheckpoint.proof;

import dev.vmcheckpoint.qmp.fixture.Tool;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** What is done to image files from outside of QEMU. */
final class Images {
  private Images() {}

  /** Makes an empty qcow2 image. */
  static Path create(Path file, long sizeBytes) {
    return Tool.image(file, "qcow2", Long.toString(sizeBytes), "compat=1.1");
  }

  /** Copies a file as it is now, as a storage snapshot does. */
  static Path copy(Path from, Path to) {
    try {
      return Files.copy(from, to, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Every byte of a disk.
   *
   * @param source what {@code qemu-img} takes for an image
   * @param folder for a temporary file
   */
  static Content content(String source, String format, Path folder) {
    Path raw = folder.resolve("content");
    Tool.run("qemu-img", "convert", "-U", "-f", format, "-O", "raw", source, raw.toString());
    try {
      Content content = Content.of(Files.readAllBytes(raw));
      Files.delete(raw);
      return content;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
