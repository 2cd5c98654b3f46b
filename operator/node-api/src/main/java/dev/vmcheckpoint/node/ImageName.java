package dev.vmcheckpoint.node;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

/**
 * What QEMU calls an image: its file, or, where the image's header does not say how it was opened,
 * a description of that ({@code json:} and the options of {@code blockdev-add}), with the layers
 * below in it. So another name need not be another image.
 */
public final class ImageName {
  private static final String DESCRIPTION = "json:";
  private static final ObjectMapper JSON = new ObjectMapper();

  private ImageName() {}

  /** The image's own file; the name itself where that does not tell, as of a part of a file. */
  public static String file(String name) {
    if (!name.startsWith(DESCRIPTION)) {
      return name;
    }
    try {
      JsonNode node = JSON.readTree(name.substring(DESCRIPTION.length()));
      while (node.path("file").isObject() && !node.has("offset") && !node.has("size")) {
        node = node.path("file");
      }
      JsonNode file = node.path("filename");
      return file.isTextual() ? file.asText() : name;
    } catch (JsonProcessingException e) {
      // QEMU cuts long names off.
      return name;
    }
  }
}
