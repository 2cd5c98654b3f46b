package dev.vmcheckpoint.qmp.machine;

import dev.vmcheckpoint.qmp.Reply;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * A named node of the block graph, as QAPI {@code BlockDeviceInfo} shows it.
 *
 * @param active whether its image may be used: {@code false} on the side of a migration that does
 *     not run the guest; QEMU before 10.0 does not tell, and is taken at its run state
 * @param flushIgnored whether flushes do nothing, as {@code cache=unsafe} has it
 * @param hasDataFile whether its data is in another file, of which the header need not tell the
 *     name
 * @param compat the qcow2 version, such as {@code 1.1}; empty for other formats
 */
record BlockNode(
    String name,
    String driver,
    String file,
    boolean readOnly,
    boolean active,
    boolean flushIgnored,
    long virtualSizeBytes,
    Optional<String> compat,
    boolean hasDataFile,
    Optional<String> dataFile,
    boolean dataFileRaw,
    List<Bitmap> bitmaps) {
  BlockNode {
    bitmaps = List.copyOf(bitmaps);
  }

  static BlockNode read(String name, Reply info) {
    Optional<Reply> image = info.child("image");
    Optional<Reply> qcow2 =
        image
            .flatMap(i -> i.child("format-specific"))
            .filter(specific -> specific.text("type").equals("qcow2"))
            .flatMap(specific -> specific.child("data"));
    Set<String> stored =
        qcow2.map(data -> data.items("bitmaps")).orElse(List.of()).stream()
            .map(listed -> listed.text("name"))
            .collect(Collectors.toSet());
    return new BlockNode(
        name,
        info.text("drv"),
        info.text("file"),
        info.flag("ro"),
        info.optionalFlag("active").orElse(true),
        info.child("cache").map(cache -> cache.flag("no-flush")).orElse(false),
        image.map(i -> i.size("virtual-size")).orElse(0L),
        qcow2.map(data -> data.text("compat")),
        qcow2.flatMap(data -> data.optionalFlag("data-file-raw")).isPresent(),
        qcow2.flatMap(data -> data.optionalText("data-file")),
        qcow2.flatMap(data -> data.optionalFlag("data-file-raw")).orElse(false),
        // Jobs keep bitmaps without a name.
        info.items("dirty-bitmaps").stream()
            .filter(bitmap -> bitmap.optionalText("name").isPresent())
            .map(bitmap -> readBitmap(bitmap, stored))
            .toList());
  }

  private static Bitmap readBitmap(Reply info, Set<String> stored) {
    String name = info.text("name");
    return new Bitmap(
        name,
        info.positive("granularity"),
        info.size("count"),
        info.flag("recording"),
        info.flag("persistent"),
        info.flag("busy"),
        info.optionalFlag("inconsistent").orElse(false),
        stored.contains(name));
  }
}
