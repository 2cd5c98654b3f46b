package dev.vmcheckpoint.proof;

import com.fasterxml.jackson.databind.JsonNode;
import dev.vmcheckpoint.proof.fixture.Awaiting;
import dev.vmcheckpoint.proof.fixture.Devices;
import dev.vmcheckpoint.proof.fixture.Machine;
import dev.vmcheckpoint.proof.fixture.Resource;
import dev.vmcheckpoint.proof.fixture.RunningSystem;
import dev.vmcheckpoint.proof.fixture.TheSystem;
import dev.vmcheckpoint.qmp.fixture.Layers;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * A machine with a disk {@value #VDA}, and the checkpoints that are made of it: of one test. The
 * disk is empty, and the machine does not run yet.
 */
final class Scene implements BeforeEachCallback, AfterEachCallback {
  static final String VDA = "vda";
  static final long SIZE = 8 << 20;

  private static final String JOB = "job";

  private final RunningSystem system;
  private final List<Resource> checkpoints = new ArrayList<>();
  private Optional<Machine> machine = Optional.empty();
  private Optional<Path> image = Optional.empty();

  Scene(RunningSystem system) {
    this.system = system;
  }

  @Override
  public void beforeEach(ExtensionContext context) {
    Machine made =
        new Machine(
            system(), "m-" + UUID.randomUUID().toString().substring(0, 8), Optional.empty());
    machine = Optional.of(made);
    image = Optional.of(Images.create(made.folder().resolve("vda.qcow2"), SIZE));
  }

  @Override
  public void afterEach(ExtensionContext context) {
    machine.ifPresent(Machine::close);
    checkpoints.forEach(Resource::delete);
    checkpoints.clear();
  }

  TheSystem system() {
    return system.get();
  }

  Machine machine() {
    return machine.orElseThrow();
  }

  /** The active image of {@value #VDA} when the machine is started. */
  Path image() {
    return image.orElseThrow();
  }

  /** From now on {@value #VDA} is another image. */
  void use(Path other) {
    image = Optional.of(other);
  }

  /** From now on {@value #VDA} is an overlay on the image that it was. */
  void useOverlay() {
    use(Layers.overlay(file("overlay.qcow2"), image()));
  }

  /** A path in the machine's folder. */
  Path file(String name) {
    return machine().folder().resolve(name);
  }

  Map<String, Path> disks() {
    return Map.of(VDA, image());
  }

  /** Name of the format node of {@value #VDA}, as the machine is started with it. */
  static String node() {
    return Devices.node(VDA);
  }

  void start() {
    machine().start(disks());
  }

  /** QEMU ends in order, and its pod with it. */
  void stop() {
    machine().quit();
    machine().endPod();
  }

  /** QEMU ends in order and is started again, in the same pod. */
  void restart() {
    machine().quit();
    start();
  }

  /** The guest writes, such as {@code 0 64k}. */
  void write(String range) {
    write(VDA, range);
  }

  void write(String device, String range) {
    io(device, "write " + range);
  }

  /** The guest reads, such as {@code 0 64k}. */
  void read(String range) {
    io(VDA, "read " + range);
  }

  /** The guest gives a range up, such as {@code 0 64k}. */
  void discard(String range) {
    io(VDA, "discard " + range);
  }

  private void io(String device, String command) {
    machine().monitor().human("qemu-io -d %s \"%s\"".formatted(Devices.qdev(device), command));
  }

  /** Names of all bitmaps of a machine. */
  static List<String> bitmapsOf(Machine some) {
    JsonNode nodes = some.monitor().execute("query-named-block-nodes", "{\"flat\":true}");
    List<String> names = new ArrayList<>();
    for (JsonNode node : nodes) {
      node.path("dirty-bitmaps").forEach(found -> names.add(found.path("name").asText()));
    }
    return names;
  }

  /** Starts the machine and makes a checkpoint of it. */
  Resource established() {
    start();
    return checkpoint();
  }

  /** Makes a checkpoint of the machine as it runs. */
  Resource checkpoint() {
    return checkpoint(machine());
  }

  /** Makes a checkpoint of some machine as it runs. */
  Resource checkpoint(Machine of) {
    String name = checkpoints.isEmpty() ? of.name() : of.name() + "-" + checkpoints.size();
    Resource checkpoint = Resource.apply(system(), name, of.name(), "");
    checkpoints.add(checkpoint);
    checkpoint.await("creationTime", status -> status.has("creationTime"));
    return checkpoint;
  }

  /** A second disk of the machine, {@code vdb}, on an image of its own. */
  Path plugSecond() {
    Path second = Images.create(file("vdb.qcow2"), SIZE);
    plugSecond(second);
    return second;
  }

  void plugSecond(Path second) {
    machine().plug("vdb", second, "second");
  }

  /** The second disk goes, and QEMU closes its image. */
  void unplugSecond() {
    machine().monitor().run("device_del", "id", "vdb");
    Awaiting.of("the end of device vdb")
        .until(() -> machine().devices().stream().noneMatch("vdb"::equals));
    machine().monitor().run("blockdev-del", "node-name", "second");
  }

  /** Puts an overlay on top that takes no bitmap along. */
  void putOverlay() {
    machine()
        .monitor()
        .run(
            "blockdev-snapshot-sync",
            "node-name",
            node(),
            "snapshot-file",
            file("top.qcow2").toString(),
            "format",
            "qcow2",
            "snapshot-node-name",
            "top");
  }

  /** Puts an overlay on top that takes the checkpoints' bitmaps along, as libvirt does. */
  void carryAlong(Resource... all) {
    carryAlong(node(), image(), "top", all);
  }

  /** Puts such an overlay on some node. */
  void carryAlong(String on, Path image, String overlay, Resource... all) {
    Path top = Layers.overlay(file(overlay + ".qcow2"), image);
    machine()
        .monitor()
        .execute(
            "blockdev-add",
            """
            {"driver":"qcow2","node-name":"%s","backing":null,"discard":"unmap",
             "file":{"driver":"file","filename":"%s"}}
            """
                .formatted(overlay, top));
    StringBuilder actions = new StringBuilder();
    for (Resource checkpoint : all) {
      actions.append(
          """
          {"type":"block-dirty-bitmap-add",
           "data":{"node":"%s","name":"%s","persistent":true,"granularity":65536}},
          """
              .formatted(overlay, Said.bitmap(checkpoint)));
    }
    machine()
        .monitor()
        .execute(
            "transaction",
            """
            {"actions":[%s
              {"type":"blockdev-snapshot","data":{"node":"%s","overlay":"%s"}}]}
            """
                .formatted(actions, on, overlay));
  }

  /** The overlay on top is committed, and the layer below is active again. */
  void commit() {
    machine().monitor().run("block-commit", "job-id", JOB, "device", "top", "auto-dismiss", false);
    Jobs.complete(machine().monitor(), JOB);
  }
}
