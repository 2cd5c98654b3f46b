package dev.vmcheckpoint.controller.leftovers;

import dev.vmcheckpoint.controller.decide.Leftover;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.net.HttpURLConnection;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The records of leftovers, in a fixed number of ConfigMaps of a bounded size. Each write is about
 * one version of one ConfigMap, and is decided anew where that has changed meanwhile. Safe for use
 * by several threads and processes.
 */
public final class LeftoverStore {
  /** How many ConfigMaps there are; a machine's records are all in the same one. */
  static final int SHARDS = 16;

  /** The most that one ConfigMap holds, in records. */
  static final int MAX_RECORDS = 256;

  /** The most that one ConfigMap holds, in bytes; the API server takes 1 MiB. */
  static final int MAX_BYTES = 768 * 1024;

  /** A longer record, in bytes, is kept without its list of bitmaps. */
  static final int MAX_RECORD_BYTES = 64 * 1024;

  private static final Logger LOG = LoggerFactory.getLogger(LeftoverStore.class);
  private static final int MAX_TRIES = 5;

  private final KubernetesClient client;
  private final String namespace;

  /**
   * @param namespace the operator's own
   */
  public LeftoverStore(KubernetesClient client, String namespace) {
    this.client = client;
    this.namespace = namespace;
  }

  /** A change of one ConfigMap's data. */
  private interface Change {
    /** Changes the data; returns the records that had to go. */
    List<Leftover> apply(Map<String, String> data);
  }

  /** All records. */
  List<Leftover> load() {
    return IntStream.range(0, SHARDS)
        .mapToObj(this::get)
        .flatMap(Optional::stream)
        .flatMap(shard -> read(data(shard)).stream())
        .toList();
  }

  /**
   * Adds a record, or replaces the one of the same checkpoint.
   *
   * @return other records that were dropped for it
   */
  List<Leftover> put(Leftover leftover) {
    String record = write(leftover);
    return change(
        leftover,
        data -> {
          data.put(leftover.checkpoint(), record);
          return drop(data, leftover);
        });
  }

  /** Takes a record away. */
  void remove(Leftover leftover) {
    change(
        leftover,
        data -> {
          data.remove(leftover.checkpoint());
          return List.of();
        });
  }

  /** The name of the ConfigMap that holds a machine's records. */
  static String shardOf(Leftover leftover) {
    String machine = leftover.namespace() + "/" + leftover.machine();
    return shard(Math.floorMod(machine.hashCode(), SHARDS));
  }

  private static String shard(int number) {
    return "vmcheckpoint-leftovers-" + number;
  }

  private List<Leftover> change(Leftover about, Change change) {
    String name = shardOf(about);
    for (int tries = 1; ; tries++) {
      Optional<ConfigMap> before = Optional.ofNullable(resource(name));
      Map<String, String> data = new TreeMap<>(before.map(LeftoverStore::data).orElse(Map.of()));
      List<Leftover> dropped = change.apply(data);
      if (before.map(LeftoverStore::data).orElse(Map.of()).equals(data)) {
        return dropped;
      }
      try {
        write(name, before, data);
        return dropped;
      } catch (KubernetesClientException e) {
        if (e.getCode() != HttpURLConnection.HTTP_CONFLICT || tries == MAX_TRIES) {
          throw e;
        }
      }
    }
  }

  private void write(String name, Optional<ConfigMap> before, Map<String, String> data) {
    if (before.isPresent()) {
      client.resource(new ConfigMapBuilder(before.get()).withData(data).build()).update();
    } else {
      client
          .resource(
              new ConfigMapBuilder()
                  .withNewMetadata()
                  .withNamespace(namespace)
                  .withName(name)
                  .endMetadata()
                  .withData(data)
                  .build())
          .create();
    }
  }

  private Optional<ConfigMap> get(int shard) {
    return Optional.ofNullable(resource(shard(shard)));
  }

  private @Nullable ConfigMap resource(String name) {
    return client.configMaps().inNamespace(namespace).withName(name).get();
  }

  private static Map<String, String> data(ConfigMap shard) {
    return Objects.requireNonNullElse(shard.getData(), Map.of());
  }

  /** Drops records until the rest is within the bounds. */
  private List<Leftover> drop(Map<String, String> data, Leftover newest) {
    List<Capacity.Kept> kept = read(data).stream().map(leftover -> kept(leftover, data)).toList();
    long bytes = kept.stream().mapToLong(Capacity.Kept::bytes).sum();
    // What cannot be read is in the way and stays.
    Capacity capacity =
        new Capacity(MAX_RECORDS - (data.size() - kept.size()), MAX_BYTES - (bytes(data) - bytes));
    List<Leftover> dropped = capacity.excess(kept, newest);
    dropped.forEach(leftover -> data.remove(leftover.checkpoint()));
    return dropped;
  }

  private static Capacity.Kept kept(Leftover leftover, Map<String, String> data) {
    String key = leftover.checkpoint();
    return new Capacity.Kept(leftover, bytes(key) + bytes(data.getOrDefault(key, "")));
  }

  private static long bytes(Map<String, String> data) {
    return data.entrySet().stream()
        .mapToLong(entry -> bytes(entry.getKey()) + bytes(entry.getValue()))
        .sum();
  }

  private static int bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8).length;
  }

  private String write(Leftover leftover) {
    String record = client.getKubernetesSerialization().asJson(leftover);
    return bytes(record) <= MAX_RECORD_BYTES
        ? record
        : client.getKubernetesSerialization().asJson(leftover.with(List.of()));
  }

  private List<Leftover> read(Map<String, String> data) {
    Map<String, Leftover> records = new HashMap<>();
    data.forEach(
        (key, record) -> {
          try {
            Leftover leftover =
                client.getKubernetesSerialization().unmarshal(record, Leftover.class);
            if (leftover.checkpoint().equals(key)) {
              records.put(key, leftover);
            }
          } catch (RuntimeException e) {
            LOG.warn("The record {} of a leftover cannot be read and is left alone", key, e);
          }
        });
    return List.copyOf(records.values());
  }
}
