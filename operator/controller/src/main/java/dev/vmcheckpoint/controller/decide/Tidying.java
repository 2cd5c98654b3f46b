package dev.vmcheckpoint.controller.decide;

import dev.vmcheckpoint.api.DiskState;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Disk;
import dev.vmcheckpoint.api.VirtualMachineCheckpointStatus.Image;
import dev.vmcheckpoint.controller.decide.Observation.Seen;
import dev.vmcheckpoint.node.BitmapObservation;
import dev.vmcheckpoint.node.DiskImage;
import dev.vmcheckpoint.node.DiskObservation;
import dev.vmcheckpoint.node.EpochRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * What to remove for an established checkpoint of which everything is said: bitmaps of its own that
 * no disk relies on, and markers that none relies on.
 */
public sealed interface Tidying {

  /** All is in order. */
  record Nothing() implements Tidying {}

  /**
   * Have one bitmap removed: what is left of a Lost disk, or what a creation made that came too
   * late.
   *
   * @param seen the look that this was decided on
   */
  record RemoveBitmap(Seen seen, String bitmap) implements Tidying {}

  /**
   * Have markers removed.
   *
   * @param machine the machine's name
   * @param seen the look that this was decided on
   */
  record RemoveMarkers(String machine, Seen seen, EpochRequest request) implements Tidying {

    /** Without the markers that some disk relies on; empty where none remain. */
    public Optional<RemoveMarkers> unless(List<OnRecord> all) {
      List<EpochRequest.Disk> disks = new ArrayList<>();
      for (EpochRequest.Disk disk : request.disks()) {
        List<String> useless =
            disk.remove().stream()
                .filter(id -> all.stream().noneMatch(other -> other.reliesOn(id)))
                .toList();
        String file = file(disk.name());
        boolean isNeeded =
            all.stream().anyMatch(other -> other.isBehind(machine, file, disk.recorded()));
        if (!useless.isEmpty() && !isNeeded) {
          disks.add(new EpochRequest.Disk(disk.name(), disk.recorded(), List.of(), useless, false));
        }
      }
      return disks.isEmpty()
          ? Optional.empty()
          : Optional.of(new RemoveMarkers(machine, seen, new EpochRequest(disks)));
    }

    /**
     * What is gone for certain. Where an overlay came on top meanwhile, nothing was removed: the
     * markers are in the layer below it then.
     *
     * @param after the disks as they are after the removal
     */
    public List<ObsoleteMarker> gone(List<DiskObservation> after) {
      return markers().stream()
          .filter(
              marker ->
                  after.stream()
                      .filter(device -> device.name().equals(marker.disk()))
                      .filter(device -> isActive(marker.file(), device))
                      .anyMatch(device -> !Markers.epochs(device.bitmaps()).contains(marker.id())))
          .toList();
    }

    /** What is to be removed. */
    public List<ObsoleteMarker> markers() {
      return request.disks().stream()
          .flatMap(
              disk ->
                  disk.remove().stream()
                      .map(id -> new ObsoleteMarker(disk.name(), file(disk.name()), id)))
          .toList();
    }

    private String file(String disk) {
      return seen.machine().disks().stream()
          .filter(device -> device.name().equals(disk))
          .flatMap(device -> device.image().stream())
          .map(DiskImage::file)
          .findFirst()
          .orElse("");
    }
  }

  /**
   * Decides.
   *
   * @param obsolete markers of this machine that may be useless
   * @param all disks of every checkpoint in the namespace; asked for only if there is a marker
   */
  static Tidying decide(
      Checkpoint checkpoint,
      Observation observation,
      List<ObsoleteMarker> obsolete,
      Supplier<List<OnRecord>> all) {
    if (!checkpoint.status().established() || !(observation instanceof Seen seen)) {
      return new Nothing();
    }
    return useless(checkpoint, seen)
        .<Tidying>map(bitmap -> new RemoveBitmap(seen, bitmap))
        .or(() -> removal(checkpoint, seen, obsolete).flatMap(markers -> markers.unless(all.get())))
        .orElseGet(Nothing::new);
  }

  private static Optional<String> useless(Checkpoint checkpoint, Seen seen) {
    Set<String> reliedOn =
        checkpoint.status().disks().stream()
            .filter(disk -> disk.state() != DiskState.Lost)
            .flatMap(disk -> Optional.ofNullable(disk.bitmap()).stream())
            .collect(Collectors.toSet());
    return seen.machine().disks().stream()
        .filter(disk -> disk.writable() && disk.image().isPresent() && !DiskJudge.isInactive(disk))
        .flatMap(disk -> disk.bitmaps().stream())
        .filter(bitmap -> checkpoint.isName(bitmap.name()) && !bitmap.busy())
        .map(BitmapObservation::name)
        .filter(bitmap -> !reliedOn.contains(bitmap))
        .findFirst();
  }

  private static Optional<RemoveMarkers> removal(
      Checkpoint checkpoint, Seen seen, List<ObsoleteMarker> obsolete) {
    List<EpochRequest.Disk> disks = new ArrayList<>();
    for (Disk disk : checkpoint.status().disks()) {
      seen.machine().disks().stream()
          .filter(device -> device.name().equals(disk.name()))
          .flatMap(device -> removal(disk, device, obsolete).stream())
          .forEach(disks::add);
    }
    return disks.isEmpty()
        ? Optional.empty()
        : Optional.of(new RemoveMarkers(checkpoint.machineName(), seen, new EpochRequest(disks)));
  }

  private static Optional<EpochRequest.Disk> removal(
      Disk disk, DiskObservation device, List<ObsoleteMarker> obsolete) {
    Optional<String> open = Markers.openId(device.bitmaps());
    if (disk.state() != DiskState.Recording || !open.equals(Optional.ofNullable(disk.epoch()))) {
      return Optional.empty();
    }
    List<String> ids =
        obsolete.stream()
            .filter(marker -> marker.disk().equals(disk.name()))
            .filter(marker -> isActive(marker.file(), device))
            .map(ObsoleteMarker::id)
            .filter(id -> Markers.epochs(device.bitmaps()).contains(id))
            .filter(id -> !open.equals(Optional.of(id)))
            .limit(EpochRequest.MAX_REMOVE)
            .toList();
    return ids.isEmpty()
        ? Optional.empty()
        : open.map(id -> new EpochRequest.Disk(disk.name(), id, List.of(), ids, false));
  }

  /** The markers that a status takes off the record. */
  static List<ObsoleteMarker> replaced(
      VirtualMachineCheckpointStatus before, VirtualMachineCheckpointStatus after) {
    List<ObsoleteMarker> replaced = new ArrayList<>();
    for (Disk old : before.disks()) {
      for (Disk now : after.disks()) {
        if (old.name().equals(now.name())) {
          replaced(old, now).ifPresent(replaced::add);
        }
      }
    }
    return replaced;
  }

  /** One in an image that is now below the active one stays until that is active again. */
  private static Optional<ObsoleteMarker> replaced(Disk old, Disk now) {
    String epoch = old.epoch();
    Image from = old.image();
    Image to = now.image();
    return epoch == null || epoch.equals(now.epoch()) || from == null || to == null
        ? Optional.empty()
        : Optional.of(
            new ObsoleteMarker(
                now.name(), to.backing().contains(from.file()) ? from.file() : to.file(), epoch));
  }

  /** The markers of Lost disks that hinder others without proving anything. */
  static List<ObsoleteMarker> broken(Checkpoint checkpoint, Observation observation) {
    if (!(observation instanceof Seen seen)) {
      return List.of();
    }
    List<ObsoleteMarker> broken = new ArrayList<>();
    for (Disk disk : checkpoint.status().disks()) {
      String epoch = disk.epoch();
      if (disk.state() == DiskState.Lost && epoch != null) {
        seen.machine().disks().stream()
            .filter(device -> Markers.isInconsistent(device.bitmaps(), epoch))
            .flatMap(
                device ->
                    device.image().stream()
                        .map(image -> new ObsoleteMarker(device.name(), image.file(), epoch)))
            .forEach(broken::add);
      }
    }
    return broken;
  }

  private static boolean isActive(String file, DiskObservation device) {
    return device.image().filter(image -> image.file().equals(file)).isPresent();
  }
}
