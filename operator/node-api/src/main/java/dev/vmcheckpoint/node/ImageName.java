package dev.vmcheckpoint.node;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Set;

/**
 * What QEMU calls an image: its file, or, where the image's header does not say how it was opened,
 * a description of that ({@code json:} and the options of {@code blockdev-add}), with the layers
 * below in it. So another name need not be another image.
 */
public final class ImageName {
  private static final String DESCRIPTION = "json:";

  /** Drivers that only hand on between an image and its file; an image in an image is another. */
  private static final Set<String> HANDING_ON =
      Set.of("raw", "throttle", "copy-on-read", "copy-before-write", "compress", "preallocate");

  private static final ObjectMapper JSON = new ObjectMapper();

  private ImageName() {}

  /** The image's own file; the name itself where that does not tell, as of a part of a file. */
  public static String file(String name) {
    if (!name.startsWith(DESCRIPTION)) {
      return name;
    }
    try {
      JsonNode image = JSON.readTree(name.substring(DESCRIPTION.length()));
      JsonNode below = image.path("file");
      JsonNode storage = below.isObject() && !isPart(image) ? below : image;
      while (HANDING_ON.contains(storage.path("driver").asText()) && !isPart(storage)) {
        storage = storage.path("file");
      }
      JsonNode file = storage.path("filename");
      return file.isTextual() ? file.asText() : name;
    } catch (JsonProcessingException e) {
      // QEMU cuts long names off.
      return name;
    }
  }

  private static boolean isPart(JsonNode node) {
    return node.has("offset") || node.has("size");
  }
}
