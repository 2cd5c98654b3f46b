package dev.vmcheckpoint.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.vmcheckpoint.e2e.fixture.Checkpoint;
import dev.vmcheckpoint.e2e.fixture.Cluster;
import dev.vmcheckpoint.e2e.fixture.Disk;
import dev.vmcheckpoint.e2e.fixture.RunningMachine;
import dev.vmcheckpoint.e2e.fixture.VirtualMachine;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What the system is for, on a machine with two disks whose Linux guest writes all the time. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class MainJobE2E {
  @RegisterExtension static final Cluster CLUSTER = new Cluster("main-job");

  private static final String MACHINE = "db-0";

  private RunningMachine machine;

  @BeforeAll
  void startMachine() {
    machine =
        RunningMachine.start(
                CLUSTER,
                VirtualMachine.named(MACHINE, Disk.qcow2("vda"), Disk.qcow2("vdb"))
                    .with(VirtualMachine.Guest.LINUX_WRITING))
            .whenGuestWrites();
  }

  @Test
  void anAppliedCheckpointBecomesOnePersistentRecordingBitmapPerDisk() {
    Checkpoint checkpoint = Checkpoint.apply(CLUSTER, "one", MACHINE).whenReady();

    for (String disk : new String[] {"vda", "vdb"}) {
      String bitmap = checkpoint.bitmap(disk);
      assertThat(machine.bitmapsOf(checkpoint.uid(), disk)).containsExactly(bitmap);
      assertThat(machine.bitmaps(disk))
          .filteredOn(seen -> seen.get("name").asText().equals(bitmap))
          .singleElement()
          .satisfies(
              seen -> {
                assertThat(seen.get("recording").asBoolean()).isTrue();
                assertThat(seen.get("persistent").asBoolean()).isTrue();
              });
    }
    assertThat(checkpoint.status().path("creationTime").asText()).isNotEmpty();
  }

  @Test
  void whatTheGuestWritesShowsInTheStatus() {
    Checkpoint checkpoint =
        Checkpoint.apply(CLUSTER, "dirty", MACHINE)
            .whenReady()
            .when("Valid=True", now -> now.isCondition("Valid", "True"));

    long before = checkpoint.disk("vda").path("dirtyBytes").asLong();
    checkpoint.when(
        "dirtier than " + before, now -> now.disk("vda").path("dirtyBytes").asLong() > before);
  }

  @Test
  void aSecondCheckpointIsIndependentOfTheFirst() {
    Checkpoint first = Checkpoint.apply(CLUSTER, "first", MACHINE).whenReady();
    Checkpoint second = Checkpoint.apply(CLUSTER, "second", MACHINE).whenReady();
    String bitmap = second.bitmap("vda");
    long countBefore = machine.count("vda", bitmap);

    String firstUid = first.uid();
    first.delete();

    assertThat(machine.bitmapsOf(firstUid, "vda")).isEmpty();
    assertThat(machine.bitmapsOf(firstUid, "vdb")).isEmpty();
    await("the second checkpoint's count going on")
        .atMost(Cluster.PATIENCE)
        .until(() -> machine.count("vda", bitmap) > countBefore);
    assertThat(second.isCondition("Ready", "True")).isTrue();
  }

  @Test
  void onlyTheNamedDisksGetABitmap() {
    Checkpoint checkpoint =
        Checkpoint.apply(CLUSTER, "named", MACHINE, "disks: [{name: vdb}]").whenReady();

    assertThat(machine.bitmapsOf(checkpoint.uid(), "vda")).isEmpty();
    assertThat(machine.bitmapsOf(checkpoint.uid(), "vdb")).hasSize(1);
  }

  @Test
  void theGranularityIsAsAskedFor() {
    Checkpoint checkpoint =
        Checkpoint.apply(CLUSTER, "granularity", MACHINE, "granularity: 4Ki").whenReady();

    assertThat(checkpoint.disk("vda").path("granularityBytes").asLong()).isEqualTo(4096);
    assertThat(machine.bitmaps("vda"))
        .filteredOn(bitmap -> bitmap.get("name").asText().equals(checkpoint.bitmap("vda")))
        .extracting(bitmap -> bitmap.get("granularity").asLong())
        .containsExactly(4096L);
  }

  @Test
  void aHandledProbeSaysSo() {
    Checkpoint checkpoint = Checkpoint.apply(CLUSTER, "probe", MACHINE).whenReady();

    checkpoint.probe("probe-1");

    assertThat(checkpoint.condition("Valid").path("status").asText()).isEqualTo("True");
  }

  @Test
  void aHandledProbeCountsExactly() {
    Checkpoint checkpoint = Checkpoint.apply(CLUSTER, "exact", MACHINE).whenReady();
    String bitmap = checkpoint.bitmap("vda");
    await("something to count")
        .atMost(Cluster.PATIENCE)
        .until(() -> machine.count("vda", bitmap) > 0);

    machine.whilePaused(
        () -> {
          checkpoint.probe("exact-1");

          assertThat(checkpoint.disk("vda").path("dirtyBytes").asLong())
              .isEqualTo(machine.count("vda", bitmap));
        });
  }

  @Test
  void manyToolsThatAskAtOnceAreAllAnsweredExactly() {
    List<Checkpoint> checkpoints =
        IntStream.range(0, 12)
            .mapToObj(i -> Checkpoint.apply(CLUSTER, "asked-" + i, MACHINE))
            .map(Checkpoint::whenReady)
            .toList();

    machine.whilePaused(
        () -> {
          for (String request : List.of("asked-1", "asked-2", "asked-3")) {
            checkpoints.parallelStream().forEach(checkpoint -> checkpoint.probe(request));
          }

          assertThat(checkpoints)
              .allSatisfy(
                  checkpoint ->
                      assertThat(checkpoint.disk("vda").path("dirtyBytes").asLong())
                          .isEqualTo(machine.count("vda", checkpoint.bitmap("vda"))));
        });
  }

  @Test
  void eventsTellWhatHappened() {
    Checkpoint checkpoint = Checkpoint.apply(CLUSTER, "events", MACHINE).whenReady();

    checkpoint.whenTold("Established");
  }

  @Test
  void aProbeLeavesTheReadyConditionAsItWas() {
    Checkpoint checkpoint = Checkpoint.apply(CLUSTER, "kept", MACHINE).whenReady();
    JsonNode ready = checkpoint.condition("Ready");

    checkpoint.probe("probe-2");

    assertThat(checkpoint.condition("Ready")).isEqualTo(ready);
  }
}
