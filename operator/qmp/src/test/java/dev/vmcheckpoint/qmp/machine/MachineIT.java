package dev.vmcheckpoint.qmp.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dev.vmcheckpoint.qmp.Deadline;
import dev.vmcheckpoint.qmp.QmpConnection;
import dev.vmcheckpoint.qmp.QmpException;
import dev.vmcheckpoint.qmp.Timeouts;
import dev.vmcheckpoint.qmp.fixture.Monitor;
import dev.vmcheckpoint.qmp.fixture.Qemu;
import dev.vmcheckpoint.qmp.fixture.Tool;
import dev.vmcheckpoint.qmp.machine.Ineligibility.Reason;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
final class MachineIT {
  @TempDir Path dir;

  // Disks

  @Test
  void aQcow2DiskIsEligible() {
    try (Qemu qemu = stopped().disk("vda", image("a")).start()) {
      Disk vda = Monitor.disk(qemu, "vda");

      assertThat(vda.blockNode()).isEqualTo("vda-node");
      assertThat(vda.writable()).isTrue();
      assertThat(vda.ineligibility()).isEmpty();
      assertThat(vda.virtualSizeBytes()).isEqualTo(16 << 20);
      assertThat(vda.image()).contains(imageOf("a.qcow2"));
    }
  }

  @Test
  void libvirtsPrefixOfAnIdIsNotPartOfTheName() {
    try (Qemu qemu = stopped().disk("ua-vda", image("a")).start()) {
      assertThat(Monitor.disk(qemu, "vda").ineligibility()).isEmpty();
    }
  }

  @Test
  void disksOnOtherBusesAreNamedByTheirIds() {
    try (Qemu qemu =
        stopped()
            .node("a", image("a"))
            .node("b", image("b"))
            .node("c", image("c"))
            .with("-device", "ahci,id=ahci", "-device", "ide-hd,id=sata0,bus=ahci.0,drive=a")
            .with("-device", "virtio-scsi-pci", "-device", "scsi-hd,id=scsi0,drive=b")
            .with("-device", "nvme,id=nvme0,serial=1,drive=c")
            .start()) {
      assertThat(Monitor.observe(qemu).disks())
          .allSatisfy(disk -> assertThat(disk.ineligibility()).isEmpty())
          .extracting(Disk::name)
          .containsExactlyInAnyOrder("sata0", "scsi0", "nvme0");
    }
  }

  @Test
  void theDisksNodeIsFoundBelowThrottleAndCopyOnRead() {
    try (Qemu qemu =
        stopped()
            .node("format", image("a"))
            .with("-object", "throttle-group,id=group,x-iops-total=1000")
            .with("-blockdev", "driver=throttle,node-name=thr,throttle-group=group,file=format")
            .with("-blockdev", "driver=copy-on-read,node-name=cor,file=thr")
            .device("vda", "cor")
            .start()) {
      qemu.qmp("block-dirty-bitmap-add", "{\"node\": \"format\", \"name\": \"x\"}");

      Disk vda = Monitor.disk(qemu, "vda");

      assertThat(vda.blockNode()).isEqualTo("format");
      assertThat(vda.ineligibility()).isEmpty();
      assertThat(vda.bitmaps()).extracting(Bitmap::name).containsExactly("x");
    }
  }

  @Test
  void theDisksNodeIsFoundBelowAMirrorsFilter() {
    try (Qemu qemu = stopped().disk("vda", image("a")).node("target", image("b")).start()) {
      qemu.qmp(
          "blockdev-mirror",
          "{\"job-id\": \"m\", \"device\": \"vda-node\", \"target\": \"target\", \"sync\": \"full\","
              + " \"filter-node-name\": \"filter\"}");

      Disk vda = Monitor.disk(qemu, "vda");

      assertThat(vda.blockNode()).isEqualTo("vda-node");
      assertThat(vda.bitmaps()).isEmpty(); // the job's own bitmap has no name
      assertThat(vda.ineligibility()).isEmpty();
    }
  }

  @Test
  void aLegacyDriveIsEligible() {
    try (Qemu qemu =
        stopped()
            .with("-drive", "if=none,id=d,format=qcow2,file=" + image("a"))
            .device("vda", "d")
            .start()) {
      Disk vda = Monitor.disk(qemu, "vda");

      assertThat(vda.blockNode()).startsWith("#block");
      assertThat(vda.ineligibility()).isEmpty();
    }
  }

  @Test
  void aDiskShowsItsBackingChainWithTheBitmapsInIt() {
    Path base = image("base");
    Tool.run("qemu-img", "bitmap", "--add", base.toString(), "kept");
    Path top = overlay("top", overlay("middle", base));

    try (Qemu qemu = stopped().disk("vda", top).start()) {
      Disk vda = Monitor.disk(qemu, "vda");

      assertThat(vda.image().orElseThrow().backing())
          .containsExactly(path("middle.qcow2"), path("base.qcow2"));
      assertThat(vda.backing().getLast().bitmaps())
          .extracting(Bitmap::name)
          .containsExactly("kept");
    }
  }

  @Test
  void twoDevicesCanShareANode() {
    try (Qemu qemu =
        stopped()
            .node("shared", image("a"))
            .device("vda", "shared", "share-rw=on")
            .device("vdb", "shared", "share-rw=on")
            .start()) {
      assertThat(Monitor.observe(qemu).disks())
          .extracting(Disk::name, Disk::blockNode)
          .containsExactlyInAnyOrder(tuple("vda", "shared"), tuple("vdb", "shared"));
    }
  }

  @Test
  void firmwareFlashIsNoDisk() {
    Tool.run("truncate", "-s", "4M", path("code.raw"), path("vars.raw"));

    try (Qemu qemu =
        stopped()
            .with("-drive", "if=pflash,unit=0,format=raw,readonly=on,file=" + path("code.raw"))
            .with("-drive", "if=pflash,unit=1,format=raw,file=" + path("vars.raw"))
            .disk("vda", image("a"))
            .start()) {
      assertThat(Monitor.observe(qemu).disks()).extracting(Disk::name).containsExactly("vda");
    }
  }

  // Disks that cannot hold a persistent bitmap

  @Test
  void anEmptyDriveHasNoMedium() {
    try (Qemu qemu =
        stopped().with("-device", "ahci,id=ahci", "-device", "ide-cd,id=cd0,bus=ahci.0").start()) {
      Disk cd = Monitor.disk(qemu, "cd0");

      assertThat(reason(cd)).contains(Reason.NoMedium);
      assertThat(cd.image()).isEmpty();
      assertThat(cd.blockNode()).isEmpty();
      assertThat(cd.writable()).isFalse();
    }
  }

  @Test
  void aReadOnlyDiskIsIneligible() {
    try (Qemu qemu = stopped().node("a", image("a"), "read-only=on").device("vda", "a").start()) {
      Disk vda = Monitor.disk(qemu, "vda");

      assertThat(reason(vda)).contains(Reason.ReadOnly);
      assertThat(vda.writable()).isFalse();
    }
  }

  @Test
  void aRawDiskIsIneligibleAndWritable() {
    Path raw = Tool.raw(dir.resolve("a.raw"));

    try (Qemu qemu =
        stopped()
            .with("-blockdev", "driver=file,node-name=file,filename=" + raw)
            .with("-blockdev", "driver=raw,node-name=raw,file=file")
            .device("vda", "raw")
            .device("vdb", "raw-storage")
            .with("-blockdev", "driver=file,node-name=raw-storage,filename=" + image("b"))
            .start()) {
      assertThat(Monitor.observe(qemu).disks())
          .hasSize(2)
          .allSatisfy(
              disk -> {
                assertThat(reason(disk)).contains(Reason.NotQcow2);
                assertThat(disk.writable()).isTrue();
              });
    }
  }

  @Test
  void aQcow2ImageOfVersion2IsIneligible() {
    Path old = Tool.image(dir.resolve("a.qcow2"), "qcow2", "16M", "compat=0.10");

    assertThat(reasonOfDiskOn(old)).contains(Reason.Qcow2V2);
  }

  @Test
  void aRawDataFileIsIneligibleAndAnotherDataFileIsNot() {
    Path raw =
        Tool.image(
            dir.resolve("a.qcow2"),
            "qcow2",
            "16M",
            "data_file=" + path("a.data"),
            "data_file_raw=on");
    Path other = Tool.image(dir.resolve("b.qcow2"), "qcow2", "16M", "data_file=" + path("b.data"));

    try (Qemu qemu = stopped().disk("vda", raw).disk("vdb", other).start()) {
      assertThat(reason(Monitor.disk(qemu, "vda"))).contains(Reason.RawDataFile);
      assertThat(reason(Monitor.disk(qemu, "vdb"))).isEmpty();
      assertThat(Monitor.disk(qemu, "vdb").image())
          .contains(new Image(other.toString(), List.of(), Optional.of(path("b.data"))));
    }
  }

  @Test
  void anUnsafeCacheIsIneligible() {
    try (Qemu qemu =
        stopped()
            .with("-drive", "if=none,id=d,format=qcow2,cache=unsafe,file=" + image("a"))
            .device("vda", "d")
            .start()) {
      assertThat(reason(Monitor.disk(qemu, "vda"))).contains(Reason.CacheUnsafe);
    }
  }

  @Test
  void anUnsafeCacheOfTheFileBelowIsIneligible() {
    try (Qemu qemu =
        stopped()
            .with(
                "-blockdev", "driver=file,node-name=file,cache.no-flush=on,filename=" + image("a"))
            .with("-blockdev", "driver=qcow2,node-name=format,file=file")
            .device("vda", "format")
            .start()) {
      assertThat(reason(Monitor.disk(qemu, "vda"))).contains(Reason.CacheUnsafe);
    }
  }

  @Test
  void aDeviceWithoutAnIdIsNamedByItsPathAndIneligible() {
    try (Qemu qemu =
        stopped().with("-drive", "if=virtio,format=qcow2,file=" + image("a")).start()) {
      Disk disk = Monitor.observe(qemu).disks().getFirst();

      assertThat(disk.name()).startsWith("/machine/peripheral-anon/device[");
      assertThat(reason(disk)).contains(Reason.DeviceWithoutID);
      assertThat(disk.writable()).isTrue();
    }
  }

  @Test
  void anIdOfMoreThan128BytesIsIneligible() {
    String id = "d".repeat(129);

    try (Qemu qemu = stopped().node("a", image("a")).device(id, "a").start()) {
      assertThat(reason(Monitor.disk(qemu, id))).contains(Reason.DeviceIDTooLong);
    }
  }

  // The guest

  @Test
  void aGuestThatRunsOrIsPausedIsRun() {
    try (Qemu qemu = Qemu.in(dir).disk("vda", image("a")).start()) {
      assertThat(Monitor.observe(qemu).guest())
          .isEqualTo(new GuestState("running", "none", false, true));

      qemu.qmp("stop", "{}");

      assertThat(Monitor.observe(qemu).guest())
          .isEqualTo(new GuestState("paused", "none", false, true));
    }
  }

  @Test
  void aGuestThatIsBeingMigratedIsNotRun() {
    try (Qemu qemu = stopped().disk("vda", image("a")).start()) {
      qemu.qmp("migrate", "{\"uri\": \"exec:sleep 60\"}");

      GuestState guest = Monitor.observe(qemu).guest();

      assertThat(guest.migrationPending()).isTrue();
      assertThat(guest.runsGuest()).isFalse();
    }
  }

  @Test
  void aGuestThatWasMigratedAwayIsNotRun() {
    try (Qemu qemu = stopped().disk("vda", image("a")).start()) {
      qemu.qmp("migrate", "{\"uri\": \"exec:cat > /dev/null\"}");
      awaitMigration(qemu);

      GuestState guest = Monitor.observe(qemu).guest();

      assertThat(guest.runState()).isEqualTo("postmigrate");
      assertThat(guest.runsGuest()).isFalse();
    }
  }

  @Test
  void aTargetRunsTheGuestOnlyOnceItWasStarted() {
    Path image = image("a");
    try (Qemu source = stopped().disk("vda", image).start()) {
      source.qmp("migrate", "{\"uri\": \"exec:cat > %s\"}".formatted(path("state")));
      awaitMigration(source);
    }
    try (Qemu target = stopped().disk("vda", image).with("-incoming", "defer").start()) {
      assertThat(Monitor.observe(target).guest().runsGuest()).isFalse();

      target.qmp("migrate-incoming", "{\"uri\": \"exec:cat %s\"}".formatted(path("state")));
      awaitMigration(target);
      assertThat(Monitor.observe(target).guest().runsGuest()).isFalse();

      target.qmp("cont", "{}");
      assertThat(Monitor.observe(target).guest().runsGuest()).isTrue();
    }
  }

  // Time

  @Test
  void nothingIsAskedAfterTheDeadline() {
    try (Qemu qemu = stopped().disk("vda", image("a")).start();
        QmpConnection connection = QmpConnection.open(qemu.connect(), Duration.ofSeconds(20))) {
      Machine machine = new Machine(connection, Timeouts.DEFAULT);

      assertThatThrownBy(() -> machine.observe(Deadline.after(Duration.ZERO)))
          .isInstanceOf(QmpException.DeadlinePassed.class);
      assertThat(machine.observe(Deadline.after(Duration.ofSeconds(20))).disks()).hasSize(1);
    }
  }

  private Qemu.Builder stopped() {
    return Qemu.in(dir).stopped();
  }

  private Path image(String name) {
    return Tool.qcow2(dir.resolve(name + ".qcow2"));
  }

  private Path overlay(String name, Path backing) {
    return Tool.image(
        dir.resolve(name + ".qcow2"),
        "qcow2",
        "16M",
        "backing_file=" + backing,
        "backing_fmt=qcow2");
  }

  private String path(String name) {
    return dir.resolve(name).toString();
  }

  private Image imageOf(String name) {
    return new Image(path(name), List.of(), Optional.empty());
  }

  private Optional<Reason> reasonOfDiskOn(Path image) {
    try (Qemu qemu = stopped().disk("vda", image).start()) {
      return reason(Monitor.disk(qemu, "vda"));
    }
  }

  private static Optional<Reason> reason(Disk disk) {
    return disk.ineligibility().map(Ineligibility::reason);
  }

  private static void awaitMigration(Qemu qemu) {
    Awaitility.await()
        .atMost(Duration.ofSeconds(30))
        .pollDelay(Duration.ZERO)
        .pollInterval(Duration.ofMillis(10))
        .until(() -> qemu.qmp("query-migrate", "{}").path("status").asText().equals("completed"));
  }
}
