package dev.vmcheckpoint.qmp.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.vmcheckpoint.qmp.QmpException;
import dev.vmcheckpoint.qmp.machine.Ineligibility.Reason;
import org.junit.jupiter.api.Test;

final class BlockGraphTest {
  private static final String VDA = "/machine/peripheral/vda/virtio-backend";
  private static final String VDB = "/machine/peripheral/ua-vdb/virtio-backend";

  private final RecordedReplies replies = RecordedReplies.read();

  @Test
  void everyDeviceIsADisk() throws Exception {
    assertThat(replies.disks())
        .extracting(Disk::name)
        .containsExactlyInAnyOrder("vda", "vdb", "cd0");
  }

  @Test
  void theFormatNodeIsFoundBelowFilters() throws Exception {
    assertThat(replies.disk("vda").blockNode()).isEqualTo("a");
  }

  @Test
  void theBackingChainIsNamedByItsFiles() throws Exception {
    Disk vda = replies.disk("vda");

    assertThat(vda.image().orElseThrow().file()).isEqualTo("a.qcow2");
    assertThat(vda.image().orElseThrow().backing()).containsExactly("base.qcow2");
  }

  @Test
  void anImageIsCalledAsItsStorageThoughItsNodeDescribesTheLayersBelow() throws Exception {
    replies
        .node("a")
        .put(
            "file",
            "json:{\"backing\": {\"driver\": \"raw\"}, \"driver\": \"qcow2\", \"file\": {\"driver\": \"nbd\"}}");
    replies.node("af").put("file", "nbd+unix:///a?socket=s");

    assertThat(replies.disk("vda").image().orElseThrow().file())
        .isEqualTo("nbd+unix:///a?socket=s");
  }

  @Test
  void anImageWithADataFileIsCalledAsItsNode() throws Exception {
    ((ObjectNode) replies.node("a").at("/image/format-specific/data")).put("data-file-raw", false);
    replies.node("af").put("file", "a.data");

    assertThat(replies.disk("vda").image().orElseThrow().file()).isEqualTo("a.qcow2");
  }

  @Test
  void anImageInAnImageIsCalledAsItsNode() throws Exception {
    replies.node("af").put("drv", "qcow2").put("file", "outer.qcow2");

    assertThat(replies.disk("vda").image().orElseThrow().file()).isEqualTo("a.qcow2");
  }

  @Test
  void anImageOfAnotherFormatIsCalledAsItsNode() throws Exception {
    replies.node("a").put("drv", "raw").put("file", "json:{\"driver\": \"raw\", \"offset\": 512}");

    assertThat(replies.disk("vda").image().orElseThrow().file())
        .isEqualTo("json:{\"driver\": \"raw\", \"offset\": 512}");
  }

  @Test
  void aLayerIsWritableWhereItsNodeIs() throws Exception {
    assertThat(replies.disk("vda").backing()).noneMatch(Disk.Layer::writable);

    replies.node("#block163").put("ro", false);

    assertThat(replies.disk("vda").backing()).allMatch(Disk.Layer::writable);
  }

  @Test
  void bitmapsAreThoseOfTheFormatNode() throws Exception {
    assertThat(replies.disk("vda").bitmaps())
        .containsExactlyInAnyOrder(
            new Bitmap("vmcp-0a.1.vda", 65536, 0, true, true, false, false, false),
            new Bitmap("foreign", 512, 0, true, false, false, false, false));
  }

  @Test
  void aBitmapThatTheImageItselfListsIsStored() throws Exception {
    ((ObjectNode) replies.node("a").at("/image/format-specific/data"))
        .putArray("bitmaps")
        .addObject()
        .put("name", "vmcp-0a.1.vda")
        .put("granularity", 65_536)
        .putArray("flags")
        .add("auto");

    assertThat(replies.disk("vda").bitmaps())
        .containsExactlyInAnyOrder(
            new Bitmap("vmcp-0a.1.vda", 65536, 0, true, true, false, false, true),
            new Bitmap("foreign", 512, 0, true, false, false, false, false));
  }

  @Test
  void whatTheImageListsOfAnotherFormatIsNotTakenForBitmaps() throws Exception {
    ObjectNode specific = (ObjectNode) replies.node("a").at("/image/format-specific");
    specific.put("type", "other");
    ((ObjectNode) specific.path("data")).putArray("bitmaps").addObject().put("name", "foreign");

    assertThat(replies.disk("vda").bitmaps()).noneMatch(Bitmap::stored);
  }

  @Test
  void bitmapsWithoutANameAreJobsOwn() throws Exception {
    ArrayNode bitmaps = (ArrayNode) replies.node("a").path("dirty-bitmaps");
    ((ObjectNode) bitmaps.get(0)).remove("name");

    assertThat(replies.disk("vda").bitmaps()).hasSize(1);
  }

  @Test
  void aFilterWithoutANameIsPassedThrough() throws Exception {
    replies.device("query-blockstats", VDA).put("node-name", "");

    assertThat(replies.disk("vda").blockNode()).isEqualTo("a");
  }

  @Test
  void theNodeOfALegacyDriveHasAGeneratedName() throws Exception {
    Disk vdb = replies.disk("vdb");

    assertThat(vdb.blockNode()).startsWith("#block");
    assertThat(vdb.ineligibility()).isEmpty();
  }

  @Test
  void anEmptyDriveHasNoMediumAndIsNotWritable() throws Exception {
    Disk cd = replies.disk("cd0");

    assertThat(cd.ineligibility()).map(Ineligibility::reason).contains(Reason.NoMedium);
    assertThat(cd.writable()).isFalse();
  }

  @Test
  void anImageThatIsNotActiveIsIneligible() throws Exception {
    replies.node("a").put("active", false);

    assertThat(reason("vda")).isEqualTo(Reason.Inactive);
  }

  @Test
  void ignoredFlushesCountOnEveryNodeBelowTheDevice() throws Exception {
    ((ObjectNode) replies.node("af").path("cache")).put("no-flush", true);

    assertThat(reason("vda")).isEqualTo(Reason.CacheUnsafe);
  }

  @Test
  void aReadOnlyFilterMakesTheDiskReadOnly() throws Exception {
    replies.node("athr").put("ro", true);

    assertThat(reason("vda")).isEqualTo(Reason.ReadOnly);
    assertThat(replies.disk("vda").writable()).isFalse();
  }

  @Test
  void twoDevicesOfOneNameAreBothRefused() throws Exception {
    replies.device("query-blockstats", VDA).put("qdev", "vdb");

    assertThat(replies.disks())
        .filteredOn(disk -> disk.name().equals("vdb"))
        .hasSize(2)
        .allSatisfy(
            disk ->
                assertThat(disk.ineligibility())
                    .map(Ineligibility::reason)
                    .contains(Reason.DeviceIDUnsupported));
  }

  @Test
  void aBackendWithoutADeviceIsNoDisk() throws Exception {
    replies.device("query-blockstats", VDB).remove("qdev");

    assertThat(replies.disks()).extracting(Disk::name).containsExactlyInAnyOrder("vda", "cd0");
  }

  @Test
  void aNodeThatCameBetweenTwoRepliesIsAContradiction() {
    replies.device("query-blockstats", VDA).put("node-name", "new");

    assertThatThrownBy(replies::disks)
        .isInstanceOf(BlockGraph.ContradictoryException.class)
        .hasMessageContaining("no node new");
  }

  @Test
  void aReplyThatLacksAMandatoryMemberIsNotQmp() {
    replies.node("a").remove("drv");

    assertThatThrownBy(replies::disks)
        .isInstanceOf(QmpException.ProtocolViolated.class)
        .hasMessageContaining(".drv is not a string");
  }

  @Test
  void aReplyWithAMemberOfTheWrongTypeIsNotQmp() {
    ((ObjectNode) replies.node("a").path("image")).put("virtual-size", -1);

    assertThatThrownBy(replies::disks)
        .isInstanceOf(QmpException.ProtocolViolated.class)
        .hasMessageContaining(".virtual-size is not a size");
  }

  @Test
  void aBitmapWithoutAGranularityIsNotQmp() {
    ((ObjectNode) replies.node("a").path("dirty-bitmaps").get(0)).put("granularity", 0);

    assertThatThrownBy(replies::disks)
        .isInstanceOf(QmpException.ProtocolViolated.class)
        .hasMessageContaining(".granularity is not above zero");
  }

  @Test
  void disksOfOneImageShareWhatItHas() throws Exception {
    replies.device("query-blockstats", VDB).put("node-name", "a");

    assertThat(replies.disks())
        .filteredOn(disk -> disk.blockNode().equals("a"))
        .hasSize(2)
        .extracting(Disk::bitmaps)
        .satisfies(bitmaps -> assertThat(bitmaps.getFirst()).isSameAs(bitmaps.getLast()));
  }

  @Test
  void soManyDisksOfOneImageThatTheirBitmapsHaveNoEndAreNotQmp() {
    ArrayNode bitmaps = (ArrayNode) replies.node("a").path("dirty-bitmaps");
    ObjectNode bitmap = (ObjectNode) bitmaps.get(0);
    for (int i = 0; i < 1_000; i++) {
      bitmaps.add(bitmap);
    }
    ArrayNode devices = (ArrayNode) replies.json().path("query-blockstats");
    ObjectNode device = replies.device("query-blockstats", VDA);
    for (int i = 0; i < BlockGraph.MAX_BITMAPS / 1_000; i++) {
      devices.add(device);
    }

    assertThatThrownBy(replies::disks)
        .isInstanceOf(QmpException.ProtocolViolated.class)
        .hasMessageContaining("on all disks together");
  }

  @Test
  void soManyDisksOfOneImageThatTheNamesOfItsBitmapsHaveNoEndAreNotQmp() {
    ((ObjectNode) replies.node("a").path("dirty-bitmaps").get(0)).put("name", "x".repeat(60_000));
    ArrayNode devices = (ArrayNode) replies.json().path("query-blockstats");
    ObjectNode device = replies.device("query-blockstats", VDA);
    for (int i = 0; i < BlockGraph.MAX_CHARACTERS / 60_000; i++) {
      devices.add(device);
    }

    assertThatThrownBy(replies::disks)
        .isInstanceOf(QmpException.ProtocolViolated.class)
        .hasMessageContaining("on all disks together");
  }

  private Reason reason(String disk) throws BlockGraph.ContradictoryException {
    return replies.disk(disk).ineligibility().orElseThrow().reason();
  }
}
