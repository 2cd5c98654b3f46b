package dev.vmcheckpoint.api;

import com.fasterxml.jackson.annotation.JsonCreator;
import java.util.Arrays;

/**
 * Every reason that a condition, a disk or an event can have, each with what brings it about and
 * what helps. Reasons are for tools: once released, a name keeps its meaning.
 */
public enum Reason {
  // Of the checkpoint: its life
  Established(
      "Every disk has its bitmap, and what the guest wrote before it was added is flushed.",
      "None needed: copies made from now on, in whichever way, can be combined with this"
          + " checkpoint."),
  EstablishedUnflushed(
      "Every disk has its bitmap; the spec asked for no flush.",
      "Read the copy through QEMU. For any other way of copying make a checkpoint with barrier"
          + " Flush."),
  NotEstablished(
      "The checkpoint is not yet there, so there is nothing to verify.",
      "See the condition Ready."),
  Creating("The bitmaps are being added.", "Wait."),
  FlushPending(
      "The bitmaps are added, or a stream moved data into the image, but a disk was not yet flushed:"
          + " the flush failed or does not return.",
      "Look after the storage of the disk named in the message. The operator goes on when it"
          + " answers."),
  Recording("The last probe saw the bitmap whole, recording and where it belongs.", "None needed."),
  DisksUnknown(
      "The bitmap of at least one disk cannot be seen now.",
      "See the reason of that disk. Nothing is lost as far as is known."),
  DisksLost(
      "The bitmap of at least one disk does not list every change since the checkpoint.",
      "Make a new checkpoint and a full copy of those disks. The others can still be used."),
  Deleting("The checkpoint is being deleted; its bitmaps are being removed.", "Wait."),
  BitmapsRemoved("The checkpoint was deleted and its bitmaps are gone.", "None needed."),
  BitmapsLeftBehind(
      "The checkpoint was deleted while its bitmaps could not be removed, or not all of them, or while"
          + " more of them might still be made; what is left, or may be, is recorded.",
      "None needed: the operator removes what is recorded when it sees the machine run again with"
          + " those images. Until then it does no harm beyond a little space and time per write;"
          + " block-dirty-bitmap-remove or qemu-img bitmap --remove takes it away as well."),
  LeftoverForgotten(
      "Too much is left behind by deleted checkpoints: the oldest record of the namespace that has"
          + " most of them was dropped, so what it tells of is not removed.",
      "See the message; block-dirty-bitmap-remove or qemu-img bitmap --remove takes those bitmaps"
          + " away."),
  AuthorityUnusable(
      "The Secret vmcheckpoint-authority, which the operator has not made, cannot sign for sidecars.",
      "See the message; put the certificate and key of an authority there, or delete the Secret:"
          + " the operator then makes one."),

  MigrationMayNotEnd(
      "The machine's bitmaps are so many or so fine that a live migration with the capability"
          + " dirty-bitmaps may never end.",
      "Before such a migration delete checkpoints, make them with a coarser granularity, or raise"
          + " QEMU's downtime-limit or max-bandwidth. On shared storage leave that capability off:"
          + " the bitmaps then travel in the image."),
  MigrationWillFail(
      "The machine has a bitmap of another tool with which QEMU refuses a live migration with the"
          + " capability dirty-bitmaps: it is inconsistent, or its name is longer than 255 bytes.",
      "Remove that bitmap with block-dirty-bitmap-remove, or leave that capability off. Nothing of the"
          + " checkpoint is affected."),

  // The virtual machine
  VirtualMachineNotFound(
      "No pod in the namespace carries the label of this virtual machine.",
      "Compare spec.virtualMachineRef.name with the label vmcheckpoint.dev/virtual-machine of the"
          + " machine's pod."),
  VirtualMachineNotRunning(
      "The machine's pod is there, but not running.",
      "Start the machine, or see why its pod does not start."),
  AmbiguousVirtualMachine(
      "Two pods run a guest under the same name.",
      "Stop one of them, or give them different names."),
  GuestNotRunning(
      "QEMU is there, but does not run the guest.", "Wait until the machine has started."),
  Migrating(
      "The machine is being migrated, or waits to be.",
      "Wait until the migration has ended or was given up."),

  // The way to the monitor
  NoSidecar(
      "No sidecar runs on the machine's node.",
      "See why the sidecars' DaemonSet has no running pod on that node."),
  SidecarUnreachable(
      "The sidecar of the machine's node does not answer.",
      "See why in the operator's log, that sidecar's log, and whether the network lets the operator"
          + " call it."),
  SidecarFailed(
      "The sidecar answered with an error of its own.", "See that sidecar's log at that time."),
  NodeUnreachable("The machine's node is not ready.", "Bring the node back."),
  NoMonitorVolume(
      "The machine's pod has no emptyDir volume named qmp.",
      "Add the volume to the pod and give QEMU a second monitor in it."),
  NoMonitorSocket(
      "The pod's qmp volume holds no socket qmp.sock.",
      "Start QEMU with -qmp unix:<volume>/qmp.sock,server=on,wait=off."),
  MonitorNotListening(
      "Nobody listens on the monitor's socket.",
      "See whether QEMU is up; restart the pod if the socket is a remnant."),
  MonitorPermissionDenied(
      "The sidecar may not open the monitor's socket.",
      "Run QEMU with umask 007 in a pod with fsGroup 107."),
  MonitorBusy(
      "Another client holds the monitor.",
      "Give QEMU a monitor for the sidecar alone, or end that client."),
  MonitorUnavailable(
      "The monitor does not answer in time, breaks off or does not speak QMP.",
      "See whether QEMU hangs, for instance on its storage."),

  // Creation
  DiskNotFound(
      "The machine has no disk of that name.",
      "Name the id of a device, as in -device virtio-blk-pci,id=<name>."),
  DiskIneligible(
      "A disk cannot hold a persistent bitmap, and the spec does not permit to skip it; or one that"
          + " did has come back in a form that cannot.",
      "See the message; cure that disk, leave it out of spec.disks, or set ineligibleDisks to"
          + " Skip."),
  NoEligibleDisk(
      "None of the machine's disks can hold a persistent bitmap.",
      "Use writable qcow2 images, version 3, on devices with an id."),
  TooManyDisks(
      "The machine has more writable disks than one checkpoint can have.",
      "Name the disks in spec.disks, in several checkpoints."),
  TooManyCheckpoints(
      "A disk has as many checkpoints as the operator permits, since each takes memory of its QEMU.",
      "Delete checkpoints that nobody needs; this one is made when there is room."),
  Refused(
      "QEMU refused to add the bitmaps, those already added were removed again; or to merge one, or"
          + " to remove a marker.",
      "See QEMU's words in the message."),
  OutcomeUnknown(
      "The connection broke before QEMU's reply came; the operator looks before it acts again.",
      "Wait."),

  // Why a disk cannot hold a persistent bitmap
  NoMedium("The drive is empty.", "Insert a medium, or leave the disk out."),
  ReadOnly("The disk is read-only.", "Attach it writable, or leave it out."),
  NotQcow2("The image is not qcow2.", "Convert the image to qcow2, or leave the disk out."),
  Qcow2V2(
      "The image is qcow2 of version 2, which cannot store bitmaps.",
      "Amend the image with compat=1.1 while the machine is stopped."),
  Inactive(
      "The image is not active on this side of a migration.",
      "Wait until the migration has ended."),
  CacheUnsafe(
      "The disk has cache=unsafe: flushes do nothing, so a crash loses bitmaps silently.",
      "Choose another cache mode."),
  RawDataFile(
      "The image keeps its data in a raw external file, which other programs may write to unseen.",
      "Use an image without data_file_raw."),
  DeviceWithoutID(
      "The device has no id, so the disk cannot be named.",
      "Add an id to the device, as in -device virtio-blk-pci,id=vda."),
  DeviceIDTooLong("The device's id is longer than 128 bytes.", "Choose a shorter id."),
  DeviceIDUnsupported(
      "The device's id has characters other than letters, digits, dot, hyphen and underscore.",
      "Choose an id of those characters."),

  // Why a disk is Unknown
  Detached(
      "The machine has no disk of that name now, or its drive is empty.", "Attach the disk again."),
  DiskReplaced(
      "The device holds another image than the recorded one.",
      "Attach the recorded image to that device again."),
  OverlayOnTop(
      "A snapshot overlay is on top of the recorded image, without the bitmap or with one that cannot"
          + " be brought up to date.",
      "Commit the overlay, or make a new checkpoint and a full copy."),
  Busy(
      "A job or an export uses the bitmap, or the machine has a stream or commit job, or on QEMU before"
          + " 7 a backup, at the end of which QEMU can die if it is looked at.",
      "Wait until the job has ended, and dismiss it where nobody else does; query-jobs and"
          + " query-block-exports list them. Until then QEMU refuses a live migration with the"
          + " capability dirty-bitmaps."),

  // Why a disk is Lost
  BitmapMissing(
      "The bitmap is gone: QEMU was killed, its disk was full when it closed, or somebody removed"
          + " it.",
      "Make a new checkpoint and a full copy."),
  BitmapInconsistent(
      "QEMU found the bitmap still marked in use when it opened the image: it was killed before.",
      "Make a new checkpoint and a full copy."),
  BitmapNotRecording(
      "Somebody disabled the bitmap: changes are missing in it.",
      "Make a new checkpoint and a full copy."),
  BitmapNotPersistent(
      "Somebody replaced the bitmap by one that QEMU does not store.",
      "Make a new checkpoint and a full copy."),
  GranularityChanged(
      "The bitmap is another one: its granularity differs from the recorded one.",
      "Make a new checkpoint and a full copy."),
  Shrunk("The disk is smaller than recorded.", "Make a new checkpoint and a full copy."),
  ImageReplaced(
      "The disk's content moved to another image, or its backing chain or data file was changed"
          + " by other means than a job.",
      "Make a new checkpoint and a full copy."),
  RolledBack(
      "The image went back to an older state, for instance a snapshot.",
      "Make a new checkpoint and a full copy."),
  Cleared(
      "Somebody cleared the bitmap: it lists less than it did, or less than a younger one of the disk.",
      "Make a new checkpoint and a full copy."),
  Unrecognized(
      "Another version of the operator wrote a reason that this one does not know.",
      "Run one version; the next probe writes the reason anew.");

  private final String cause;
  private final String remedy;

  Reason(String cause, String remedy) {
    this.cause = cause;
    this.remedy = remedy;
  }

  /** What brings it about. */
  public String cause() {
    return cause;
  }

  /** What helps. */
  public String remedy() {
    return remedy;
  }

  /** The reason of that name; one unknown word must not make a whole object unreadable. */
  @JsonCreator
  public static Reason named(String name) {
    return Arrays.stream(values())
        .filter(value -> value.name().equals(name))
        .findFirst()
        .orElse(Unrecognized);
  }
}
