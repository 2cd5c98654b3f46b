package dev.vmcheckpoint.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Objects;

/** The hand-written contract. */
final class Crd {
  private static final String FILE = "/crds/virtualmachinecheckpoints.vmcheckpoint.dev.yaml";

  private Crd() {}

  /** The whole file. */
  static JsonNode read() {
    try (InputStream yaml = Objects.requireNonNull(Crd.class.getResourceAsStream(FILE), FILE)) {
      return new ObjectMapper(new YAMLFactory()).readTree(yaml);
    } catch (IOException e) {
      throw new UncheckedIOException("while reading " + FILE, e);
    }
  }

  /** Its only version. */
  static JsonNode version() {
    return read().at("/spec/versions/0");
  }

  /** The schema of the resource. */
  static JsonNode schema() {
    return version().at("/schema/openAPIV3Schema");
  }
}
