package dev.vmcheckpoint.qmp.machine;

import dev.vmcheckpoint.qmp.QmpException;
import dev.vmcheckpoint.qmp.Reply;
import dev.vmcheckpoint.qmp.machine.Disk.Layer;
import dev.vmcheckpoint.qmp.machine.Ineligibility.Reason;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Finds the disks of a machine and what they are stored in.
 *
 * <p>The graph is walked in {@code query-blockstats}: {@code parent} is a node's primary child (the
 * filtered node, or the protocol below a format), {@code backing} the image below a format node. A
 * drive without a medium has neither a node nor children.
 */
final class BlockGraph {
  /** Drivers that hand everything on to the node below, where the bitmaps are. */
  private static final Set<String> FILTERS =
      Set.of(
          "throttle",
          "copy-on-read",
          "copy-before-write",
          "backup-top",
          "compress",
          "preallocate",
          "mirror_top",
          "commit_top");

  private static final String QCOW2 = "qcow2";

  /** As many as two images can hold, all disks and layers together. */
  static final int MAX_BITMAPS = 2 * 65_535;

  /** Of the names of those, with the names of their disks. */
  static final int MAX_CHARACTERS = 16 << 20;

  private final Reply devices;
  private final Map<String, BlockNode> nodes = new HashMap<>();

  /**
   * Reads two replies.
   *
   * @param devices to {@code query-blockstats}
   * @param namedNodes to {@code query-named-block-nodes}
   */
  BlockGraph(Reply devices, Reply namedNodes) {
    this.devices = devices;
    for (Reply info : namedNodes.items()) {
      nodeName(info).ifPresent(name -> nodes.put(name, BlockNode.read(name, info)));
    }
  }

  /**
   * The disks of all devices.
   *
   * @throws ContradictoryException where the two replies were taken of different graphs
   * @throws QmpException.ProtocolViolated where too many disks share too many bitmaps: two short
   *     replies can show a product of what is in them
   */
  List<Disk> disks() throws ContradictoryException {
    List<Disk> disks = new ArrayList<>();
    long bitmaps = 0;
    long characters = 0;
    for (Reply device : devices.items()) {
      Optional<DeviceName> name = device.optionalText("qdev").flatMap(DeviceName::of);
      if (name.isPresent()) {
        Disk disk = isLoaded(device) ? loaded(name.get(), device) : empty(name.get());
        bitmaps += bitmaps(disk).count();
        characters += bitmaps(disk).mapToLong(b -> disk.name().length() + b.name().length()).sum();
        if (bitmaps > MAX_BITMAPS || characters > MAX_CHARACTERS) {
          throw new QmpException.ProtocolViolated(
              "the monitor shows more than %d bitmaps, or %d characters of their names, on all disks together"
                  .formatted(MAX_BITMAPS, MAX_CHARACTERS));
        }
        disks.add(disk);
      }
    }
    return withAmbiguousNamesRefused(disks);
  }

  private static Stream<Bitmap> bitmaps(Disk disk) {
    return Stream.concat(
        disk.bitmaps().stream(),
        disk.backing().stream().flatMap(layer -> layer.bitmaps().stream()));
  }

  private static boolean isLoaded(Reply device) {
    return nodeName(device).isPresent() || device.child("parent").isPresent();
  }

  private static Disk empty(DeviceName name) {
    return new Disk(
        name.value(),
        "",
        false,
        Optional.of(new Ineligibility(Reason.NoMedium, "the drive has no medium")),
        Optional.empty(),
        0,
        List.of(),
        List.of());
  }

  private Disk loaded(DeviceName name, Reply root) throws ContradictoryException {
    Reply top = format(root);
    BlockNode node = node(top);
    List<BlockNode> stack = primaryChildren(root);
    boolean writable =
        stack.subList(0, stack.indexOf(node) + 1).stream().noneMatch(BlockNode::readOnly);
    List<Layer> backing = backing(top);
    return new Disk(
        name.value(),
        node.name(),
        writable,
        ineligibility(name, node, writable, stack),
        Optional.of(
            new Image(
                file(top, node), backing.stream().map(Layer::file).toList(), node.dataFile())),
        node.virtualSizeBytes(),
        node.bitmaps(),
        backing);
  }

  private static Optional<Ineligibility> ineligibility(
      DeviceName name, BlockNode node, boolean writable, List<BlockNode> stack) {
    if (!writable) {
      return because(Reason.ReadOnly, "the disk is read-only");
    }
    if (!node.driver().equals(QCOW2)) {
      return because(
          Reason.NotQcow2, "the image %s is %s, not qcow2".formatted(node.file(), node.driver()));
    }
    if (node.compat().equals(Optional.of("0.10"))) {
      return because(
          Reason.Qcow2V2,
          "the image %s is qcow2 of version 2, which cannot store bitmaps".formatted(node.file()));
    }
    if (!node.active()) {
      return because(
          Reason.Inactive, "the image %s is not active in this QEMU".formatted(node.file()));
    }
    if (stack.stream().anyMatch(BlockNode::flushIgnored)) {
      return because(
          Reason.CacheUnsafe,
          "the image %s is opened with cache=unsafe, so flushes do nothing".formatted(node.file()));
    }
    if (node.dataFileRaw()) {
      return because(
          Reason.RawDataFile,
          "the image %s keeps its data in the raw file %s"
              .formatted(node.file(), node.dataFile().orElse("")));
    }
    return name.ineligibility();
  }

  private static Optional<Ineligibility> because(Reason reason, String message) {
    return Optional.of(new Ineligibility(reason, message));
  }

  private List<Layer> backing(Reply top) throws ContradictoryException {
    List<Layer> layers = new ArrayList<>();
    Optional<Reply> below = top.child("backing");
    while (below.isPresent()) {
      Reply layer = format(below.get());
      BlockNode node = node(layer);
      layers.add(
          new Layer(
              node.name(),
              !node.readOnly(),
              file(layer, node),
              node.virtualSizeBytes(),
              node.bitmaps()));
      below = layer.child("backing");
    }
    return layers;
  }

  /**
   * What an image is stored in. Its own node need not be called so: QEMU describes there how the
   * image was opened, with the layers below, once that is not what the header says. An image in an
   * image is another one. Of an image with a data file QEMU shows that one in place of its storage.
   */
  private String file(Reply image, BlockNode node) throws ContradictoryException {
    Optional<Reply> below = image.child("parent");
    if (!node.driver().equals(QCOW2) || node.hasDataFile() || below.isEmpty()) {
      return node.file();
    }
    BlockNode storage = node(format(below.get()));
    return storage.driver().equals(QCOW2) ? node.file() : storage.file();
  }

  /** The first node from the given one downwards that is no filter. Filters may have no name. */
  private Reply format(Reply from) throws ContradictoryException {
    Reply at = from;
    while (nodeName(at).isEmpty() || FILTERS.contains(node(at).driver())) {
      Reply filter = at;
      at =
          at.child("parent")
              .orElseThrow(
                  () -> new ContradictoryException("%s filters nothing".formatted(filter.where())));
    }
    return at;
  }

  private List<BlockNode> primaryChildren(Reply root) throws ContradictoryException {
    List<BlockNode> stack = new ArrayList<>();
    Optional<Reply> at = Optional.of(root);
    while (at.isPresent()) {
      if (nodeName(at.get()).isPresent()) {
        stack.add(node(at.get()));
      }
      at = at.get().child("parent");
    }
    return stack;
  }

  private BlockNode node(Reply at) throws ContradictoryException {
    String name = nodeName(at).orElseThrow();
    BlockNode node = nodes.get(name);
    if (node == null) {
      throw new ContradictoryException("no node %s, which %s names".formatted(name, at.where()));
    }
    return node;
  }

  private static Optional<String> nodeName(Reply info) {
    return info.optionalText("node-name").filter(name -> !name.isEmpty());
  }

  private static List<Disk> withAmbiguousNamesRefused(List<Disk> disks) {
    Map<String, Long> devices =
        disks.stream().collect(Collectors.groupingBy(Disk::name, Collectors.counting()));
    return disks.stream()
        .map(
            disk ->
                devices.getOrDefault(disk.name(), 1L) == 1
                    ? disk
                    : disk.ineligible(
                        new Ineligibility(
                            Reason.DeviceIDUnsupported,
                            "%d devices are named %s"
                                .formatted(devices.get(disk.name()), disk.name()))))
        .toList();
  }

  /** Replies that cannot be of one and the same graph. */
  static final class ContradictoryException extends Exception {
    private static final long serialVersionUID = 1L;

    ContradictoryException(String message) {
      super(message);
    }
  }
}
