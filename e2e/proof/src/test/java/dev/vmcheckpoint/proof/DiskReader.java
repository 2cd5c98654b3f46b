package dev.vmcheckpoint.proof;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.vmcheckpoint.proof.fixture.Awaiting;
import dev.vmcheckpoint.proof.fixture.Machine;
import dev.vmcheckpoint.proof.fixture.Monitor;
import dev.vmcheckpoint.qmp.fixture.Tool;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Reads a running machine's disk and what its bitmaps list, as backup tools do it: by NBD. */
final class DiskReader {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String EXPORT = "proof";

  private final Machine machine;
  private final Path socket;

  DiskReader(Machine machine) {
    this.machine = machine;
    this.socket = machine.nbdSocket();
  }

  /**
   * A disk at one instant.
   *
   * @param content every byte
   * @param listed what each bitmap lists
   */
  record Snapshot(Content content, Map<String, Extents> listed) {
    Extents listedBy(String bitmap) {
      return Optional.ofNullable(listed.get(bitmap))
          .orElseThrow(() -> new AssertionError("bitmap %s was not read".formatted(bitmap)));
    }
  }

  /**
   * Reads a disk, and some of its bitmaps.
   *
   * @param node its format node
   */
  Snapshot read(String node, List<String> bitmaps) {
    Monitor monitor = machine.monitor();
    List<String> copies = new ArrayList<>();
    boolean started = machine.startServer();
    try {
      for (String bitmap : bitmaps) {
        copies.add(copy(monitor, node, bitmap, "proof-copy-" + copies.size()));
      }
      monitor.execute(
          "block-export-add",
          "{\"type\":\"nbd\",\"id\":\"%1$s\",\"name\":\"%1$s\",\"node-name\":\"%2$s\",\"bitmaps\":%3$s}"
              .formatted(EXPORT, node, JSON.valueToTree(copies)));
      Map<String, Extents> listed = new HashMap<>();
      for (int i = 0; i < copies.size(); i++) {
        listed.put(bitmaps.get(i), extents(copies.get(i)));
      }
      return new Snapshot(content(), listed);
    } finally {
      monitor.run("block-export-del", "id", EXPORT, "mode", "hard");
      if (started) {
        machine.stopServer();
      }
      awaitNoExport(monitor);
      copies.forEach(copy -> monitor.run("block-dirty-bitmap-remove", "node", node, "name", copy));
    }
  }

  private static void awaitNoExport(Monitor monitor) {
    Awaiting.of("the end of an export").until(() -> monitor.run("query-block-exports").isEmpty());
  }

  /** A recording bitmap cannot be exported read-only. */
  private static String copy(Monitor monitor, String node, String bitmap, String copy) {
    monitor.run(
        "block-dirty-bitmap-add", "node", node, "name", copy, "disabled", true, "granularity", 512);
    monitor.execute(
        "block-dirty-bitmap-merge",
        "{\"node\":\"%s\",\"target\":\"%s\",\"bitmaps\":[\"%s\"]}".formatted(node, copy, bitmap));
    return copy;
  }

  /** With this option {@code qemu-img map} calls a dirty part one without data. */
  private Extents extents(String bitmap) {
    String map =
        Tool.run(
            "qemu-img",
            "map",
            "--output=json",
            "--image-opts",
            "driver=nbd,export=%s,server.type=unix,server.path=%s,x-dirty-bitmap=qemu:dirty-bitmap:%s"
                .formatted(EXPORT, socket, bitmap));
    Extents dirty = new Extents();
    try {
      for (JsonNode part : JSON.readTree(map)) {
        if (!part.get("data").asBoolean()) {
          dirty.add(part.get("start").asLong(), part.get("length").asLong());
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("qemu-img map answered " + map, e);
    }
    return dirty;
  }

  private Content content() {
    return Images.content(
        "nbd:unix:%s:exportname=%s".formatted(socket, EXPORT), "raw", machine.folder());
  }
}
