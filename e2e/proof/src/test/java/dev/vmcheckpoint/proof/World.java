package dev.vmcheckpoint.proof;

import com.fasterxml.jackson.databind.JsonNode;
import dev.vmcheckpoint.proof.fixture.Awaiting;
import dev.vmcheckpoint.proof.fixture.Devices;
import dev.vmcheckpoint.proof.fixture.Machine;
import dev.vmcheckpoint.proof.fixture.Resource;
import dev.vmcheckpoint.proof.fixture.TheSystem;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Everything that one history is about: a machine, its disks and its checkpoints. */
final class World implements AutoCloseable {
  private final TheSystem system;
  private final Tally tally;
  private final Machine machine;
  private final Map<String, Volume> devices = new TreeMap<>();
  private final List<Tracked> checkpoints = new ArrayList<>();
  private int files;
  private int names;

  /** A machine with empty disks of some sizes, in clusters, that runs. */
  World(TheSystem system, Tally tally, String machineName, List<Integer> clusters) {
    this.system = system;
    this.tally = tally;
    machine = new Machine(system, machineName);
    for (int i = 0; i < clusters.size(); i++) {
      long size = (long) clusters.get(i) * Volume.CLUSTER_BYTES;
      String device = "vd" + (char) ('a' + i);
      devices.put(device, new Volume(device, Images.create(newFile(".qcow2"), size), size));
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

  /** The path of a file that is not there yet. */
  Path newFile(String suffix) {
    return machine.folder().resolve(files++ + suffix);
  }

  /** One of the devices. */
  Optional<String> device(int number) {
    List<String> names = List.copyOf(devices.keySet());
    return names.isEmpty() ? Optional.empty() : Optional.of(names.get(number % names.size()));
  }

  void start() {
    Map<String, Path> images = new LinkedHashMap<>();
    devices.forEach((device, volume) -> images.put(device, volume.active()));
    machine.start(images);
  }

  /** The format node on top of a device's image, as QEMU calls it now. */
  String node(String device) {
    String file = volume(device).active().toString();
    for (JsonNode node : machine.monitor().execute("query-named-block-nodes", "{\"flat\":true}")) {
      if (node.path("drv").asText().equals("qcow2")
          && node.path("file").asText().equals(file)
          && !node.path("node-name").asText().isEmpty()) {
        return node.path("node-name").asText();
      }
    }
    throw new AssertionError("QEMU has no node for " + file);
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

  /** Applies a checkpoint. */
  Tracked apply(String spec) {
    Tracked tracked =
        new Tracked(
            Resource.apply(
                system, "%s-%d".formatted(machine.name(), names++), machine.name(), spec));
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
