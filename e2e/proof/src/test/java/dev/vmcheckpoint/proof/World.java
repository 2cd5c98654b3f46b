package dev.vmcheckpoint.proof;

import com.fasterxml.jackson.databind.JsonNode;
import dev.vmcheckpoint.proof.fixture.Awaiting;
import dev.vmcheckpoint.proof.fixture.Devices;
import dev.vmcheckpoint.proof.fixture.Fault;
import dev.vmcheckpoint.proof.fixture.Machine;
import dev.vmcheckpoint.proof.fixture.Resource;
import dev.vmcheckpoint.proof.fixture.TheSystem;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

/** Everything that one history is about: a machine, its disks and its checkpoints. */
final class World implements AutoCloseable {
  private final TheSystem system;
  private final Tally tally;
  private final Machine machine;
  private final Map<String, Volume> devices = new TreeMap<>();
  private final List<Tracked> checkpoints = new ArrayList<>();
  private final Map<Volume, Volume.Saved> saved = new HashMap<>();
  private final Set<String> busyBitmaps = new HashSet<>();
  private final Set<String> foreign = new HashSet<>();
  private final Set<String> lateBitmaps = new HashSet<>();
  private final Map<String, Volume> unplugged = new TreeMap<>();
  private Optional<CopySteps.Begun> begun = Optional.empty();
  private int files;
  private int names;

  /** A machine with empty disks of some sizes, in clusters, that runs. */
  World(
      TheSystem system,
      Tally tally,
      String machineName,
      List<Integer> clusters,
      Optional<Fault> fault) {
    this.system = system;
    this.tally = tally;
    machine = new Machine(system, machineName, fault);
    for (int i = 0; i < clusters.size(); i++) {
      devices.put("vd" + (char) ('a' + i), newVolume(clusters.get(i)));
    }
    start();
  }

  TheSystem system() {
    return system;
  }

  Tally tally() {
    return tally;
  }

  Machine machine() {
    return machine;
  }

  /** What each device holds now. */
  Map<String, Volume> devices() {
    return devices;
  }

  List<Tracked> checkpoints() {
    return checkpoints;
  }

  /** The last storage snapshot of each volume that has one. */
  Map<Volume, Volume.Saved> saved() {
    return saved;
  }

  /** Bitmaps that another tool uses now. */
  Set<String> busyBitmaps() {
    return busyBitmaps;
  }

  /** Bitmaps of other tools. */
  Set<String> foreign() {
    return foreign;
  }

  /** Bitmaps that creations made which came too late; no checkpoint says that it has them. */
  Set<String> lateBitmaps() {
    return lateBitmaps;
  }

  /** What was taken from each device that is not there now. */
  Map<String, Volume> unplugged() {
    return unplugged;
  }

  /** A copy begins; one that has begun before is given up. */
  void begin(CopySteps.Begun copy) {
    begun = Optional.of(copy);
  }

  /** The copy that has begun, which ends now. */
  Optional<CopySteps.Begun> takeBegun() {
    Optional<CopySteps.Begun> copy = begun;
    begun = Optional.empty();
    return copy;
  }

  /** Whether no job of another tool is under way. */
  boolean isQuiet() {
    return busyBitmaps.isEmpty();
  }

  /** An empty volume. */
  Volume newVolume(int clusters) {
    long size = (long) clusters * Volume.CLUSTER_BYTES;
    return new Volume(Images.create(newFile(".qcow2"), size), size);
  }

  /** The path of a file that is not there yet. */
  Path newFile(String suffix) {
    return machine.folder().resolve(files++ + suffix);
  }

  /** One of the devices. */
  Optional<String> device(int number) {
    List<String> names = List.copyOf(devices.keySet());
    return names.isEmpty() ? Optional.empty() : Optional.of(names.get(number % names.size()));
  }

  /** QEMU starts, with what the devices hold now. */
  void start() {
    machine.start(images());
    devices.values().forEach(Volume::open);
  }

  /** The format node on top of a device's image, as QEMU calls it now. */
  String node(String device) {
    return nodeOf(volume(device).active());
  }

  /** The format node of an image, as QEMU calls it now. */
  String nodeOf(Path image) {
    return info(image).path("node-name").asText();
  }

  /** The bitmaps that QEMU lists on a device's active image. */
  List<QemuBitmap> bitmaps(String device) {
    List<QemuBitmap> bitmaps = new ArrayList<>();
    info(volume(device).active())
        .path("dirty-bitmaps")
        .forEach(bitmap -> bitmaps.add(QemuBitmap.of(bitmap)));
    return bitmaps;
  }

  private JsonNode info(Path image) {
    return infos(image).stream()
        .findFirst()
        .orElseThrow(() -> new AssertionError("QEMU has no node for " + image));
  }

  /** The format nodes of an image that QEMU has. */
  List<String> nodesOf(Path image) {
    return infos(image).stream().map(node -> node.path("node-name").asText()).toList();
  }

  private List<JsonNode> infos(Path image) {
    List<JsonNode> infos = new ArrayList<>();
    for (JsonNode node : machine.monitor().execute("query-named-block-nodes", "{\"flat\":true}")) {
      if (node.path("drv").asText().equals("qcow2")
          && node.path("file").asText().equals(image.toString())
          && !node.path("node-name").asText().isEmpty()) {
        infos.add(node);
      }
    }
    return infos;
  }

  /** What a device that is there holds. */
  Volume volume(String device) {
    return Optional.ofNullable(devices.get(device))
        .orElseThrow(() -> new AssertionError("there is no device " + device));
  }

  /** Sends a command to {@code qemu-io} on a device, as its guest would. */
  void guest(String device, String command) {
    String answer =
        machine.monitor().human("qemu-io -d %s \"%s\"".formatted(Devices.qdev(device), command));
    if (answer.contains("rror") || answer.contains("ailed")) {
      throw new AssertionError("%s on %s: %s".formatted(command, device, answer));
    }
  }

  /** The active image of each device. */
  Map<String, Path> images() {
    Map<String, Path> images = new LinkedHashMap<>();
    devices.forEach((device, volume) -> images.put(device, volume.active()));
    return images;
  }

  /** QEMU has ended: with it all that others did there. */
  void hasStopped() {
    busyBitmaps.clear();
  }

  /** The disks of all established checkpoints. */
  Stream<TrackedDisk> disks() {
    return checkpoints.stream().flatMap(tracked -> tracked.disks().stream());
  }

  /** The disks of all established checkpoints whose data are on a volume. */
  Stream<TrackedDisk> disksOn(Volume volume) {
    return disks().filter(disk -> disk.volume().equals(volume));
  }

  /** A name that was not given before. */
  String newName(String kind) {
    return "%s-%d".formatted(kind, names++);
  }

  /**
   * Applies a checkpoint.
   *
   * @param flushed whether the spec asks for copies of the files to be whole
   */
  Tracked apply(String spec, boolean flushed) {
    Tracked tracked =
        new Tracked(Resource.apply(system, newName(machine.name()), machine.name(), spec), flushed);
    checkpoints.add(tracked);
    return tracked;
  }

  /** Removes everything; each deletion has to end. */
  @Override
  public void close() {
    machine.close();
    checkpoints.forEach(tracked -> tracked.resource().delete());
    for (Tracked tracked : checkpoints) {
      Awaiting.of("the end of " + tracked.resource().name())
          .until(() -> tracked.resource().isGone());
    }
  }
}
