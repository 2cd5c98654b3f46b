package dev.vmcheckpoint.sidecar.machine;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.vmcheckpoint.node.BitmapObservation;
import dev.vmcheckpoint.node.DiskImage;
import dev.vmcheckpoint.node.DiskObservation;
import dev.vmcheckpoint.node.EnsureResponse;
import dev.vmcheckpoint.node.EpochRequest;
import dev.vmcheckpoint.node.EpochResponse;
import dev.vmcheckpoint.node.MachineObservation;
import dev.vmcheckpoint.node.OtherBitmaps;
import dev.vmcheckpoint.node.RemoveResponse;
import dev.vmcheckpoint.qmp.checkpoint.BitmapNames;
import dev.vmcheckpoint.qmp.checkpoint.Ensured;
import dev.vmcheckpoint.qmp.checkpoint.Removal;
import dev.vmcheckpoint.qmp.checkpoint.Renewal;
import dev.vmcheckpoint.qmp.machine.Bitmap;
import dev.vmcheckpoint.qmp.machine.Disk;
import dev.vmcheckpoint.qmp.machine.Image;
import dev.vmcheckpoint.qmp.machine.MachineState;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/** The QMP library's results as the contract's records, and the contract's requests as its own. */
final class WireForm {
  private static final int MAX_MIGRATABLE_NAME = 255;

  private WireForm() {}

  static MachineObservation of(MachineState machine) {
    return new MachineObservation(
        machine.version().toString(),
        machine.guest().runState(),
        machine.guest().runsGuest(),
        machine.guest().migration(),
        disks(machine.disks()));
  }

  static EnsureResponse of(Ensured ensured) {
    return new EnsureResponse(
        ensured.disks().stream().map(WireForm::of).toList(), ensured.adopted(), ensured.flushed());
  }

  static RemoveResponse of(Removal removal) {
    return new RemoveResponse(
        removal.removed().stream()
            .map(gone -> new RemoveResponse.Removed(gone.disk(), gone.bitmap()))
            .toList(),
        removal.below().stream()
            .map(left -> new RemoveResponse.Below(left.disk(), left.file(), left.bitmap()))
            .toList());
  }

  static List<Renewal> renewals(EpochRequest request) {
    return request.disks().stream()
        .map(
            disk ->
                new Renewal(
                    disk.name(), disk.recorded(), disk.merge(), disk.remove(), disk.flush()))
        .toList();
  }

  /**
   * The answer to a request that was carried out.
   *
   * @param disks the disks as they are now
   */
  static EpochResponse of(EpochRequest request, List<Disk> disks) {
    return new EpochResponse(disks(disks), request.disksToFlush());
  }

  private static List<DiskObservation> disks(List<Disk> disks) {
    IdentityHashMap<List<Bitmap>, List<BitmapObservation>> ours = new IdentityHashMap<>();
    IdentityHashMap<List<Bitmap>, Optional<OtherBitmaps>> others = new IdentityHashMap<>();
    return disks.stream()
        .map(
            disk ->
                of(
                    disk,
                    bitmaps -> ours.computeIfAbsent(bitmaps, WireForm::ours),
                    others.computeIfAbsent(disk.bitmaps(), _ -> others(disk))))
        .toList();
  }

  /**
   * @param ours makes one list for all disks that share an image, since very many can
   */
  private static DiskObservation of(
      Disk disk,
      Function<List<Bitmap>, List<BitmapObservation>> ours,
      Optional<OtherBitmaps> others) {
    return new DiskObservation(
        disk.name(),
        disk.blockNode(),
        disk.writable(),
        disk.ineligibility()
            .map(why -> new DiskObservation.Ineligibility(why.reason().name(), why.message())),
        disk.image().map(WireForm::of),
        disk.virtualSizeBytes(),
        ours.apply(disk.bitmaps()),
        disk.backing().stream()
            .map(layer -> new DiskObservation.Layer(layer.file(), ours.apply(layer.bitmaps())))
            .filter(layer -> !layer.bitmaps().isEmpty())
            .toList(),
        others);
  }

  private static Optional<OtherBitmaps> others(Disk disk) {
    List<Bitmap> others =
        disk.bitmaps().stream().filter(bitmap -> !BitmapNames.isOurs(bitmap.name())).toList();
    return others.isEmpty()
        ? Optional.empty()
        : Optional.of(
            new OtherBitmaps(
                others.stream()
                    .mapToLong(
                        bitmap -> Math.ceilDiv(disk.virtualSizeBytes(), bitmap.granularityBytes()))
                    .reduce(0, WireForm::sum),
                others.stream().filter(WireForm::preventsMigration).map(Bitmap::name).findFirst()));
  }

  /** The greatest number there is where it would be greater. */
  private static long sum(long one, long other) {
    return one > Long.MAX_VALUE - other ? Long.MAX_VALUE : one + other;
  }

  /** QEMU's {@code migration/block-dirty-bitmap.c}: a name is sent with its length in one byte. */
  private static boolean preventsMigration(Bitmap bitmap) {
    return bitmap.inconsistent() || bitmap.name().getBytes(UTF_8).length > MAX_MIGRATABLE_NAME;
  }

  private static List<BitmapObservation> ours(List<Bitmap> bitmaps) {
    return List.copyOf(
        bitmaps.stream()
            .filter(bitmap -> BitmapNames.isOurs(bitmap.name()))
            .map(WireForm::of)
            .toList());
  }

  private static EnsureResponse.CheckpointDisk of(Ensured.CheckpointDisk disk) {
    return new EnsureResponse.CheckpointDisk(
        disk.name(),
        disk.bitmap(),
        disk.epoch(),
        disk.blockNode(),
        of(disk.image()),
        disk.virtualSizeBytes(),
        disk.granularityBytes(),
        disk.dirtyBytes());
  }

  private static DiskImage of(Image image) {
    return new DiskImage(image.file(), image.backing(), image.dataFile());
  }

  private static BitmapObservation of(Bitmap bitmap) {
    return new BitmapObservation(
        bitmap.name(),
        bitmap.granularityBytes(),
        bitmap.dirtyBytes(),
        bitmap.recording(),
        bitmap.persistent(),
        bitmap.busy(),
        bitmap.inconsistent(),
        Optional.of(bitmap.stored()));
  }
}
