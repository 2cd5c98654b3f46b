package dev.vmcheckpoint.controller.leftovers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.vmcheckpoint.controller.decide.Leftover;
import dev.vmcheckpoint.controller.fixture.LeftoverRecords;
import dev.vmcheckpoint.controller.fixture.TestCluster;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The records in a real API server, written with the rights of the operator. */
final class LeftoverStoreIT {
  @RegisterExtension static final TestCluster CLUSTER = new TestCluster();

  private KubernetesClient client = new KubernetesClientBuilder().build();
  private LeftoverStore store = new LeftoverStore(client, "");

  @BeforeEach
  void connect() {
    client.close();
    client = new KubernetesClientBuilder().withConfig(CLUSTER.operatorConfig()).build();
    store = new LeftoverStore(client, CLUSTER.operatorNamespace());
    // Other tests' operators record there, too.
    new LeftoverRecords(CLUSTER).clear();
  }

  @AfterEach
  void disconnect() {
    new LeftoverRecords(CLUSTER).clear();
    client.close();
  }

  @Test
  void aRecordIsReadAsItWasWritten() {
    Leftover leftover = leftover("aa01", 7);

    assertThat(store.put(leftover)).isEmpty();

    assertThat(store.load()).containsExactly(leftover);
  }

  @Test
  void aCheckpointHasOneRecord() {
    store.put(leftover("aa01", 7));
    Leftover newer = leftover("aa01", 7).with(List.of());

    store.put(newer);

    assertThat(store.load()).containsExactly(newer);
  }

  @Test
  void oneRecordGoesAndTheOthersStay() {
    store.put(leftover("aa01", 7));
    store.put(leftover("aa02", 8));

    store.remove(leftover("aa01", 7));
    store.remove(leftover("aa01", 7));

    assertThat(store.load()).containsExactly(leftover("aa02", 8));
  }

  @Test
  void theRecordsOfAMachineAreInOneConfigMap() {
    store.put(leftover("aa01", 7));
    store.put(leftover("aa02", 8));

    assertThat(shard(leftover("aa01", 7)).getData()).containsOnlyKeys("aa01", "aa02");
  }

  @Test
  void beyondTheNumberTheOldestIsDropped() {
    fill(LeftoverStore.MAX_RECORDS, List.of());

    List<Leftover> dropped = store.put(leftover("fff", 5_000, List.of()));

    assertThat(dropped).extracting(Leftover::since).containsExactly(1L);
    assertThat(store.load())
        .hasSize(LeftoverStore.MAX_RECORDS)
        .extracting(Leftover::checkpoint)
        .contains("fff");
  }

  @Test
  void whoFillsAConfigMapDropsHisOwnRecordsAndNotThoseOfAnother() {
    Leftover neighbours = ofANeighbour();
    store.put(neighbours);
    fill(LeftoverStore.MAX_RECORDS, List.of());

    List<Leftover> dropped = store.put(leftover("fff", 5_000, List.of()));

    assertThat(dropped)
        .extracting(Leftover::namespace, Leftover::since)
        .contains(tuple("shop", 1L));
    assertThat(store.load()).hasSize(LeftoverStore.MAX_RECORDS).contains(neighbours);
  }

  @Test
  void whoFillsItWithLongRecordsDropsHisOwnAsWell() {
    List<Leftover.Bitmap> many = bitmaps(LeftoverStore.MAX_RECORD_BYTES - 2_000);
    Leftover neighbours = ofANeighbour();
    store.put(neighbours);
    fill(LeftoverStore.MAX_BYTES / LeftoverStore.MAX_RECORD_BYTES, many);

    List<Leftover> dropped = store.put(leftover("fff", 5_000, many));

    assertThat(dropped)
        .extracting(Leftover::namespace, Leftover::since)
        .contains(tuple("shop", 1L));
    assertThat(store.load()).contains(neighbours);
  }

  @Test
  void beyondTheSizeTheOldestAreDropped() {
    List<Leftover.Bitmap> many = bitmaps(LeftoverStore.MAX_RECORD_BYTES - 2_000);
    fill(LeftoverStore.MAX_BYTES / LeftoverStore.MAX_RECORD_BYTES, many);

    List<Leftover> dropped = store.put(leftover("fff", 5_000, many));

    assertThat(dropped).extracting(Leftover::since).containsExactly(1L);
  }

  @Test
  void theNewestIsKeptEvenIfAClockSaysThatItIsOld() {
    fill(LeftoverStore.MAX_RECORDS, List.of());

    store.put(leftover("fff", 0, List.of()));

    assertThat(store.load()).extracting(Leftover::checkpoint).contains("fff");
  }

  @Test
  void aVeryLongRecordIsKeptWithoutItsList() {
    Leftover endless = leftover("aa01", 7, bitmaps(2 * LeftoverStore.MAX_RECORD_BYTES));

    store.put(endless);

    assertThat(store.load()).containsExactly(endless.with(List.of()));
  }

  @Test
  void whatCannotBeReadIsLeftAlone() {
    Leftover leftover = leftover("aa01", 7);
    store.put(leftover);
    ConfigMap shard = shard(leftover);
    shard.getData().put("aa02", "{not JSON");
    CLUSTER.admin().resource(shard).update();

    store.put(leftover("aa03", 8));

    assertThat(store.load()).extracting(Leftover::checkpoint).containsOnly("aa01", "aa03");
    assertThat(shard(leftover).getData()).containsEntry("aa02", "{not JSON");
  }

  /** The oldest of all, in the same ConfigMap as the others. */
  private static Leftover ofANeighbour() {
    return IntStream.iterate(0, i -> i + 1)
        .mapToObj(i -> new Leftover("bb01", "bank", "db-" + i, 0, false, bitmaps(1)))
        .filter(
            neighbours ->
                LeftoverStore.shardOf(neighbours).equals(LeftoverStore.shardOf(leftover("00", 1))))
        .findFirst()
        .orElseThrow();
  }

  private void fill(int records, List<Leftover.Bitmap> bitmaps) {
    store.put(leftover("00", 1, bitmaps));
    ConfigMap shard = shard(leftover("00", 1));
    for (int i = 2; i <= records; i++) {
      Leftover leftover = leftover("%02x".formatted(i), i, bitmaps);
      shard
          .getData()
          .put(leftover.checkpoint(), client.getKubernetesSerialization().asJson(leftover));
    }
    CLUSTER.admin().resource(shard).update();
  }

  private static ConfigMap shard(Leftover leftover) {
    return Objects.requireNonNull(
        CLUSTER
            .admin()
            .configMaps()
            .inNamespace(CLUSTER.operatorNamespace())
            .withName(LeftoverStore.shardOf(leftover))
            .get());
  }

  private static Leftover leftover(String checkpoint, long since) {
    return leftover(checkpoint, since, bitmaps(1));
  }

  private static Leftover leftover(String checkpoint, long since, List<Leftover.Bitmap> bitmaps) {
    return new Leftover(checkpoint, "shop", "store-test", since, false, bitmaps);
  }

  /** So many that their JSON has about that size, and at least one. */
  private static List<Leftover.Bitmap> bitmaps(int bytes) {
    List<Leftover.Bitmap> bitmaps = new ArrayList<>();
    do {
      bitmaps.add(new Leftover.Bitmap("vda", "/disks/" + "x".repeat(900), "vmcp-aa.a.vda"));
    } while (bitmaps.size() * 970 < bytes);
    return bitmaps;
  }
}
